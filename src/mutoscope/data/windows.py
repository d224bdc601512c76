"""Which stretch of a clip an example shows: a function of the example's number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from ..video.pixels import to_frames, to_uint8
from ..video.resize import resize
from .config import ClipsConfig, ClipShape
from .manifest import ManifestEntry

ROUNDING = 1e-6  # of a frame


@dataclass(frozen=True)
class Window:
    """Frames `start` … of a clip, counted at the rate of training."""

    start: int
    mirrored: bool = False
    part: tuple[float, float, float] | None = None
    """What is cut out of enlarged frames: its share of the sides, and its place from the top and from the left."""


def frames_at(entry: ManifestEntry, fps: float) -> int:
    """Frames that a clip gives at a rate: those whose time has fully come before the clip ends; of a picture 1."""
    return max(1, math.floor(entry.duration_s * fps + ROUNDING))


def all_too_short(entries: Sequence[ManifestEntry], where: str, config: ClipsConfig) -> ValueError:
    """What to raise where none of the clips of a place has enough frames."""
    longest = max(frames_at(entry, config.fps) for entry in entries)
    return ValueError(
        f"none of the {len(entries)} clips of {where} has {config.num_frames} frames at {config.fps:g} per second; "
        f"the longest has {longest}. Try --data.num-frames {longest}, or a higher --data.fps."
    )


def draw_window(seed: int, number: int, available: int, num_frames: int, mirror: bool, zoom: float = 1.0) -> Window:
    """Any stretch of num_frames out of `available`, all equally likely, mirrored half of the time if asked.

    zoom: with more than 1, a part of the frames as well: 1 / zoom to 1 of their sides, anywhere.
    """
    generator = np.random.default_rng([seed, number])
    start = int(generator.integers(available - num_frames + 1))
    mirrored = mirror and bool(generator.random() < 0.5)
    if zoom == 1:
        return Window(start, mirrored)
    share, top, left = generator.random(3)
    return Window(start, mirrored, (1 / zoom + (1 - 1 / zoom) * share, top, left))


def enlarged(shape: ClipShape, zoom: float) -> ClipShape:
    """What must be decoded, so that a part of 1 / zoom still has as many pixels as the shape."""
    num_frames, height, width = shape
    return num_frames, math.ceil(height * zoom), math.ceil(width * zoom)


def shown(decoded: UInt8[np.ndarray, "F H W 3"], window: Window, shape: ClipShape) -> UInt8[np.ndarray, "F h w 3"]:
    """The window's part of its frames, at the size of the shape, and mirrored where it says so."""
    frames = decoded
    if window.part is not None:
        (share, top, left), (height, width) = window.part, shape[1:]
        rows, columns = max(height, round(share * frames.shape[1])), max(width, round(share * frames.shape[2]))
        y, x = round(top * (frames.shape[1] - rows)), round(left * (frames.shape[2] - columns))
        cut = to_frames(frames[:, y : y + rows, x : x + columns])
        frames = to_uint8(resize(cut[None], height, width)[0])
    return frames[:, :, ::-1] if window.mirrored else frames


def even_windows(available: int, num_frames: int) -> list[Window]:
    """Stretches that follow each other without overlap, from the first frame on: for measuring."""
    return [Window(start) for start in range(0, available - num_frames + 1, num_frames)]
