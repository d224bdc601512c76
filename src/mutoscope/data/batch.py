"""From decoded clips to a batch."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8

from ..types import VideoBatch
from ..video.pixels import to_frames
from .ahead import Ahead
from .config import ClipShape


@runtime_checkable
class NumberedClips(Protocol):
    """Clips by number, each in bytes."""

    def shapes(self, indices: Sequence[int]) -> list[ClipShape]:
        """(frames, rows, columns) of each."""
        ...

    def captions(self, indices: Sequence[int]) -> list[str]:
        """Of each."""
        ...

    def frames_u8(self, number: int) -> UInt8[np.ndarray, "F H W 3"]:
        """One clip, decoded by this process."""
        ...


def batch_of(clips: NumberedClips, indices: Sequence[int], ahead: Ahead | None) -> VideoBatch:
    """Clips of these numbers, decoded by other processes where there are some. ValueError for several shapes."""
    if len(set(clips.shapes(indices))) > 1:
        raise ValueError("got clips of several shapes; ask for clips of one shape at a time (see shapes()).")
    frames = ahead.frames(indices) if ahead else [clips.frames_u8(i) for i in indices]
    return VideoBatch(torch.stack([to_frames(clip) for clip in frames]), clips.captions(indices))
