"""A file -> its frames in bytes and its frame rate. Everything a user can have wrong is one readable line."""

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from .formats import DEFAULT_FPS, PICTURES, READABLE, Unreadable, first_line, kind_of
from .pictures import frame_files, pictures, rgb, spread
from .stream import open_video, upright


@dataclass(frozen=True)
class Clip:
    """Frames in bytes, (F, H, W, 3) red green blue, and how many of them are shown per second."""

    frames_u8: UInt8[np.ndarray, "F H W 3"]
    fps: float


def read_video(path: str | os.PathLike[str], max_frames: int | None = None) -> Clip:
    """Read a clip: mp4, mkv, webm, avi, mov (first video stream), gif, webp, png, jpg, npy (uint8 (F, H, W, 3)), or a
    folder that holds numbered pictures of one size and nothing else.

    Colours follow the file's matrix and range, rotation stored in a video is applied, non-square pixels are not
    stretched, transparent pixels become black. Frames come as stored; only gif and webp, which store how long each
    picture stays, are spread to a constant rate: a picture shown for twice the shortest time comes twice. Pictures,
    folders and npy have no rate and get DEFAULT_FPS.

    max_frames: stop after this many (>= 1); None reads all, and the whole clip must fit in memory (F*H*W*3 bytes).
    Raises ValueError, in one line, for a file that is missing, empty, cut off, of another kind, or not a clip;
    ImportError where the package av is missing; OSError where the file may not be read.
    """
    path = Path(path)
    if max_frames is not None and max_frames < 1:
        raise ValueError(f"max_frames={max_frames} does not fit: pass a number >= 1, or None for all frames.")
    if path.is_dir():
        return _read_folder(path, max_frames)
    check_file(path)
    if kind_of(path) == "npy":
        return _read_npy(path, max_frames)
    return _read_pictures(path, max_frames) if kind_of(path) in PICTURES else _read_stream(path, max_frames)


def check_file(path: Path) -> None:
    """Raise Unreadable (or the system's own OSError) for what is no file of READABLE, before any decoder rewords it."""
    if not path.exists():
        raise Unreadable(path, "missing", f"does not exist; check the spelling and the folder ({Path.cwd()}).")
    if kind_of(path) not in READABLE:
        words = f"ends in {path.suffix or 'nothing'!r}; what can be read: {', '.join(READABLE)}."
        raise Unreadable(path, "other kind", words)
    if path.stat().st_size == 0:
        raise Unreadable(path, "empty", "is empty (0 bytes); copy or download it again.")
    with open(path, "rb"):
        pass


def _read_npy(path: Path, max_frames: int | None) -> Clip:
    from .pixels import check_frames_u8  # here, because it loads torch, which looking at files does not need

    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a readable npy file ({first_line(error)}); save it with np.save.") from error
    if not isinstance(stored, np.ndarray):
        raise ValueError(f"{path} holds several arrays (npz); save one uint8 array (F, H, W, 3) with np.save.")
    try:
        check_frames_u8(stored)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Clip(np.array(stored[:max_frames], order="C"), DEFAULT_FPS)


def _read_folder(folder: Path, max_frames: int | None) -> Clip:
    files = frame_files(folder)
    if not files:
        words = f"is a folder; pass one file of {', '.join(READABLE)}, or a folder of numbered pictures."
        raise Unreadable(folder, "other kind", words)
    frames = [_read_pictures(file, 1).frames_u8[0] for file in files[:max_frames]]
    return Clip(_of_one_size(folder, frames), DEFAULT_FPS)


def _read_pictures(path: Path, max_frames: int | None) -> Clip:
    frames: list[np.ndarray] = []
    durations_ms: list[float] = []
    for image, duration_ms in islice(pictures(path), max_frames):
        frames.append(rgb(image))
        durations_ms.append(duration_ms)
    shown, fps = spread(durations_ms)
    return Clip(np.repeat(_of_one_size(path, frames), shown, axis=0)[:max_frames], fps)


def _of_one_size(path: Path, frames: list[np.ndarray]) -> np.ndarray:
    if len({frame.shape for frame in frames}) > 1:
        raise Unreadable(path, "changing size", "holds pictures of several sizes; a clip needs one size.")
    return np.stack(frames)


def _read_stream(path: Path, max_frames: int | None) -> Clip:
    with open_video(path) as video:
        frames = [upright(frame) for frame in islice(video.frames(), max_frames)]
        return Clip(np.stack(frames), video.fps)
