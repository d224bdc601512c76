"""Which stretch of a clip an example shows: a function of the example's number."""

import math
from dataclasses import dataclass

import numpy as np

from .manifest import ManifestEntry

ROUNDING = 1e-6  # of a frame


@dataclass(frozen=True)
class Window:
    """Frames `start` … of a clip, counted at the rate of training."""

    start: int
    mirrored: bool = False


def frames_at(entry: ManifestEntry, fps: float) -> int:
    """Frames that a clip gives at a rate: those whose time has fully come before the clip ends; of a picture 1."""
    return max(1, math.floor(entry.duration_s * fps + ROUNDING))


def draw_window(seed: int, number: int, available: int, num_frames: int, mirror: bool) -> Window:
    """Any stretch of num_frames out of `available`, all equally likely, mirrored half of the time if asked."""
    generator = np.random.default_rng([seed, number])
    start = int(generator.integers(available - num_frames + 1))
    return Window(start, mirror and bool(generator.random() < 0.5))


def even_windows(available: int, num_frames: int) -> list[Window]:
    """Stretches that follow each other without overlap, from the first frame on: for measuring."""
    return [Window(start) for start in range(0, available - num_frames + 1, num_frames)]
