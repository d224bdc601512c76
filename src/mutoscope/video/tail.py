"""The end of a clip, at the rate of whoever goes on from there, without holding the rest of it."""

from collections import deque
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from .formats import STREAMS, kind_of
from .read import check_file, read_video
from .stream import OpenVideo, open_video, upright

RATELESS = ("npy", "png", "jpg", "jpeg")  # and folders: their frames are taken as they are


def read_tail(path: Path, num_frames: int, fps: float | int) -> UInt8[np.ndarray, "F H W 3"]:
    """The last `num_frames` pictures, `1 / fps` seconds apart, of a file that `read_video` reads, or all of it.

    What was shown at a time is taken, never a mixture. Files without a rate are taken as they are. Raises as
    `read_video`.
    """
    if not path.is_dir():
        check_file(path)
    if kind_of(path) in STREAMS:
        with open_video(path) as video:
            times_s, frames = _end_of(video, (num_frames - 1) / fps)
            return np.stack([upright(frames[i]) for i in shown_at(times_s, num_frames, fps)])
    clip = read_video(path)
    if path.is_dir() or kind_of(path) in RATELESS:
        return clip.frames_u8[-num_frames:]
    return clip.frames_u8[shown_at(list(np.arange(len(clip.frames_u8)) / clip.fps), num_frames, fps)]


def shown_at(times_s: list[float], num_frames: int, fps: float | int) -> list[int]:
    """Which of the frames shown from these rising times on are seen at 1 / fps apart, the last one last."""
    wanted = times_s[-1] - np.arange(num_frames)[::-1] / fps
    wanted = wanted[wanted >= times_s[0] - 1e-6]
    return (np.searchsorted(times_s, wanted + 1e-6, side="right") - 1).tolist()


def _end_of(video: OpenVideo, seconds: float) -> tuple[list[float], list]:
    """Times and frames of the last seconds, and one frame before them: it is still shown when they begin."""
    kept: deque = deque()
    for number, frame in enumerate(video.frames()):
        kept.append((frame.time if frame.time is not None else number / video.fps, frame))
        while len(kept) > 2 and kept[1][0] <= kept[-1][0] - seconds:
            kept.popleft()
    return [time_s for time_s, _ in kept], [frame for _, frame in kept]
