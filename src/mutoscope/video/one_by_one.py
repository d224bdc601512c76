"""A file of any length -> its frames one after the other, at the memory of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from .formats import STREAMS, kind_of
from .read import check_file, read_video
from .stream import open_video, upright


@dataclass(frozen=True)
class Frames:
    """Frames in bytes, (H, W, 3) each, how many of them are shown per second, and about how many there are."""

    each: Iterator[UInt8[np.ndarray, "H W 3"]]
    fps: float
    count: int


@contextmanager
def open_frames(path: str | os.PathLike[str], max_frames: int | None = None) -> Iterator[Frames]:
    """The frames that `read_video` reads, of the same files and with the same errors, which may come late.

    Files other than videos (pictures, npy, folders) are read whole.
    """
    path = Path(path)
    if path.is_dir() or kind_of(path) not in STREAMS:
        clip = read_video(path, max_frames)
        yield Frames(iter(clip.frames_u8), clip.fps, len(clip.frames_u8))
        return
    check_file(path)
    with open_video(path) as video:
        stated = video.stream.frames or round((video.container.duration or 0) / 1_000_000 * video.fps)
        each = (upright(frame) for frame in islice(video.frames(), max_frames))
        yield Frames(each, video.fps, min(stated, max_frames or stated))
