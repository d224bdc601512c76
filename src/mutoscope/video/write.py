"""Frames in bytes -> files that play everywhere. A file appears whole or not at all."""

import math
import os
import uuid
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import numpy as np
from jaxtyping import UInt8

from .encode import Encoder, encoder_of
from .pixels import check_frames_u8

FORMATS = ("mp4", "webm", "gif", "webp", "png", "npy")
"""What can be written, by suffix."""


class VideoWriter:
    """A file whose frames come in pieces: `with VideoWriter("a.mp4", fps=8) as writer: writer.write(frames_u8)`.

    The suffix says how. Missing folders are made; the file appears whole at the end of the block, or, where something
    failed, the old one stays.

    mp4   H.264, 4:2:0 colour, plays everywhere; odd sizes get their last row or column twice, so sizes are even
    webm  VP9, otherwise as mp4
    gif   256 colours for the whole clip (exact up to 256), at most 50 frames per second, loops
    webp  lossless, loops
    png   one picture with all frames side by side
    npy   the bytes themselves, for numpy.load; fps and scale are not stored

    mp4, webm and npy take any number of frames at constant memory; the others keep them until the end. gif and webp
    store a frame that repeats the one before as one longer frame; `read_video` undoes it, except where no frame is
    shown for a single tick (a clip that stands still reads as one frame).

    fps: frames per second, 0.1 to 240. scale: show each pixel as scale x scale pixels (players blur tiny videos,
    and from scale 2 on colours lose nothing to 4:2:0).
    Raises ValueError for another suffix, fps or scale, for frames of another shape, and where none came; OSError,
    naming `path`, where it cannot be written; ImportError for mp4 and webm where the package av is missing.
    """

    def __init__(self, path: str | os.PathLike[str], fps: float | int, scale: int = 1):
        self.path, self._fps, self._scale = Path(path), float(fps), scale
        self._kind = self.path.suffix.lower().removeprefix(".")
        if self._kind not in FORMATS:
            known = ", ".join(FORMATS)
            raise ValueError(f"{path} ends in {self.path.suffix or 'nothing'!r}; what can be written: {known}.")
        if not (math.isfinite(fps) and 0.1 <= fps <= 240):
            raise ValueError(f"fps={self._fps} does not fit: pass frames per second from 0.1 to 240.")
        self._half = self.path.with_name(f".{uuid.uuid4().hex}.tmp")  # beside the target, to be renamed over it
        self._encoder: Encoder | None = None
        self._size: tuple[int, int] | None = None

    def __enter__(self) -> "VideoWriter":
        return self

    def write(self, frames_u8: UInt8[np.ndarray, "F H W 3"]) -> None:
        """Append frames, all of one size."""
        check_frames_u8(frames_u8)
        height, width = frames_u8.shape[1:3]
        if self._size not in (None, (height, width)):
            raise ValueError(
                f"got frames of {height}x{width} after {self._size[0]}x{self._size[1]}; a file has one size."
            )
        self._size = height, width
        try:
            if self._encoder is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._encoder = encoder_of(self._kind, self._half, self._fps, self._scale)
            self._encoder.add(frames_u8)
        except OSError as error:
            raise self._named(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as failure:
            raise self._named(failure) from failure
        finally:
            with suppress(OSError):
                if self._encoder is not None:
                    self._encoder.close()
            with suppress(OSError):
                self._half.unlink()

    def _finish(self) -> None:
        """A reader, a full disk or Ctrl-C never sees half a file: it is renamed when it is on the disk."""
        if self._encoder is None:
            raise ValueError(f"{self.path} got no frame; a clip has at least one frame.")
        self._encoder.finish()
        with open(self._half, "rb") as file:
            os.fsync(file.fileno())
        os.replace(self._half, self.path)

    def _named(self, error: OSError) -> OSError:
        """The same class, but about the file that the user named."""
        return OSError(error.errno, error.strerror, str(self.path))


def write_video(
    path: str | os.PathLike[str], frames_u8: UInt8[np.ndarray, "F H W 3"], fps: float | int, scale: int = 1
) -> Path:
    """Write a whole clip, as `VideoWriter` does, which says what the suffixes mean; returns the path."""
    with VideoWriter(path, fps, scale) as writer:
        writer.write(frames_u8)
    return writer.path


def encode_mp4(frames_u8: UInt8[np.ndarray, "F H W 3"], fps: float | int, scale: int = 1) -> bytes:
    """The bytes of an mp4 file (H.264), as `write_video` writes it; also for a data: address in a web page."""
    return _bytes_of("mp4", frames_u8, fps, scale)


def encode_webp(frames_u8: UInt8[np.ndarray, "F H W 3"], fps: float | int, scale: int = 1) -> bytes:
    """The bytes of an animated, lossless, looping webp file, as `write_video` writes it; needs no package av."""
    return _bytes_of("webp", frames_u8, fps, scale)


def _bytes_of(kind: str, frames_u8: np.ndarray, fps: float | int, scale: int) -> bytes:
    with TemporaryDirectory() as folder:
        return write_video(Path(folder) / f"clip.{kind}", frames_u8, fps, scale).read_bytes()
