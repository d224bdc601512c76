"""Frames of a folder's clips at the size and rate of training, decoded once where they fit in memory."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from ..video.decode import decode
from .config import ClipShape
from .manifest import ManifestEntry
from .windows import frames_at

HELD_BYTES = 2**30
"""A set up to this size is kept in memory once decoded; of a larger one windows are decoded when they are asked for."""


def decoded_bytes(entries: list[ManifestEntry], shapes: list[ClipShape], fps: float) -> int:
    """Size of all clips, decoded; shapes: of each."""
    return sum(
        frames_at(entry, fps) * height * width * 3 for entry, (_, height, width) in zip(entries, shapes, strict=True)
    )


class FrameStore:
    """Windows of clips. Decoding starts with the first one that is asked for."""

    def __init__(self, folder: Path, fps: float, held: bool):
        """folder: where the entries' files are. held: keep every clip once it is decoded."""
        self._folder, self._fps, self._held = folder, fps, held
        self._clips: dict[tuple[str, float | None, int, int], np.ndarray] = {}

    def window(self, entry: ManifestEntry, start: int, shape: ClipShape) -> UInt8[np.ndarray, "F H W 3"]:
        """Frames start … start + F - 1 at the store's rate, of a size (H, W).

        ValueError, in one line that names the file, where it is not what the manifest says.
        """
        num_frames, height, width = shape
        if self._held:
            key = (entry.file, entry.start_s, height, width)
            if key not in self._clips:
                self._clips[key] = self._decode(entry, 0, frames_at(entry, self._fps), height, width)
            return self._clips[key][start : start + num_frames]
        return self._decode(entry, start, num_frames, height, width)

    def _decode(self, entry: ManifestEntry, start: int, num_frames: int, height: int, width: int) -> np.ndarray:
        path = self._folder / entry.file
        if not path.exists():
            raise ValueError(f"{path} is in the manifest but is gone. Put it back, or scan again: mutoscope data scan")
        return decode_window(path, entry, self._fps, start, (num_frames, height, width))


def decode_window(
    path: Path, entry: ManifestEntry, fps: float, start: int, shape: ClipShape, file: io.RawIOBase | None = None
) -> UInt8[np.ndarray, "F H W 3"]:
    """Frames start … start + F - 1, at a rate, of the clip of an entry. path, file: as `decode`.

    ValueError, in one line that names the file, where it has fewer.
    """
    num_frames, height, width = shape
    if entry.start_s is None:  # a file's first timestamp need not be 0, so frames are counted from its first one
        frames = decode(path, fps, height, width, max_frames=start + num_frames, file=file)[start:]
    else:
        begin = entry.start_s + start / fps
        frames = decode(path, fps, height, width, begin, entry.end_s, max_frames=num_frames, file=file)
    if len(frames) < num_frames:
        raise ValueError(
            f"{path} has fewer frames than its manifest says. It has changed: mutoscope data scan {path.parent}"
        )
    return frames
