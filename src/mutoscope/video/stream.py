"""The pictures of a video file, one after the other, as decoded: whoever reads, probes or cuts a file starts here."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from .formats import DEFAULT_FPS, READABLE, Unreadable, check_pixels

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Only real containers: without it a text file named .mp4 can be a playlist that opens other files and addresses.
DEMUXERS = "mov,matroska,webm,avi"


def import_av() -> Any:
    """Import PyAV where it is needed: the rest of the package works on machines without it."""
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "mp4, mkv, webm, avi and mov need the package av, which is not installed: pip install av. "
            "gif, webp, png and npy work without it."
        ) from error
    return av


@dataclass(frozen=True)
class OpenVideo:
    """An open file and its first video stream."""

    path: Path
    container: "InputContainer"
    stream: "VideoStream"

    @property
    def fps(self) -> float:
        """Frames per second that the file states."""
        return float(self.stream.average_rate or self.stream.guessed_rate or DEFAULT_FPS)

    def frames(self) -> Iterator["VideoFrame"]:
        """Decode from where the file stands; the last step checks that nothing is missing.

        Raises Unreadable where the file is cut off or damaged, changes size, or holds no picture. Who stops early
        is not told about what comes after.
        """
        size, num_frames, end_s = None, 0, 0.0
        for frame in self._decoded():
            if size is not None and upright_size(frame) != size:
                raise Unreadable(
                    self.path,
                    "changing size",
                    f"changes size at frame {num_frames}, from {size} to {upright_size(frame)} (height, width); "
                    f"a clip needs one size: pass max_frames={num_frames} or cut it there.",
                )
            size = upright_size(frame)
            num_frames += 1
            end_s = max(end_s, (frame.time or 0.0) + 1 / self.fps)
            yield frame
        if not num_frames:
            words = "holds no picture that can be decoded; copy it again or convert it to mp4."
            raise Unreadable(self.path, "no pictures", words)
        self._check_complete(num_frames, end_s)

    def _decoded(self) -> Iterator["VideoFrame"]:
        for packet in self.container.demux(self.stream):
            if packet.is_corrupt:  # the file ends inside this packet; the decoder would invent the missing part
                words = "is cut off or damaged; copy it again, or read less of it with max_frames."
                raise Unreadable(self.path, "cut off", words)
            yield from packet.decode()

    def _check_complete(self, num_frames: int, end_s: float) -> None:
        """A matroska file that was cut off just ends: the only witness is the duration its header promised."""
        container, stream, promised_s = self.container, self.stream, 0.0
        if stream.duration is not None and stream.time_base is not None:
            promised_s = float(stream.duration * stream.time_base)
        elif container.duration is not None and len(container.streams) == 1:  # sound may be longer than the pictures
            promised_s = container.duration / 1_000_000
        if promised_s - end_s > max(2.5 / self.fps, 0.05 * promised_s):
            raise Unreadable(
                self.path,
                "cut off",
                f"is cut off: its header promises {promised_s:.2f} s, its {num_frames} frames end at {end_s:.2f} s. "
                f"Copy it again, or read what is there with max_frames={num_frames}.",
            )


@contextmanager
def open_video(path: Path, file: io.RawIOBase | None = None) -> Iterator[OpenVideo]:
    """Open a file of `STREAMS`; what FFmpeg says, here or while decoding, becomes Unreadable, in one line.

    file: read this open file, such as a member of a shard; `path` is then only what errors call it.
    """
    av = import_av()
    try:
        # Absolute, because a colon in a relative name would read as an address ("take 1:2.mp4").
        with av.open(file or os.path.abspath(path), options={"format_whitelist": DEMUXERS}) as container:
            if not container.streams.video:
                words = "has no video stream (only sound or text); pass a file with pictures."
                raise Unreadable(path, "no pictures", words)
            stream = container.streams.video[0]
            if stream.codec_context is None:
                words = "is cut off, or coded in a way that is not known here; copy it again or convert it to mp4."
                raise Unreadable(path, "not readable", words)
            check_pixels(path, stream.height, stream.width)
            stream.thread_type = "AUTO"
            yield OpenVideo(path, container, stream)
    except av.error.FFmpegError as error:
        raise Unreadable(
            path,
            "not readable",
            f"is not a readable video ({error.strerror}); it is cut off, damaged or of another kind. "
            f"Copy it again or convert it to mp4; what can be read: {', '.join(READABLE)}.",
        ) from error


def upright(frame: "VideoFrame") -> UInt8[np.ndarray, "H W 3"]:
    """Bytes, converted with the frame's own matrix and range and turned as the file asks (by 90 degrees)."""
    picture = frame.reformat(format="rgb24", src_color_range=frame.color_range).to_ndarray()
    return np.rot90(picture, k=_quarter_turns(frame))


def upright_size(frame: "VideoFrame") -> tuple[int, int]:
    """(height, width) of the frame when turned as the file asks."""
    return (frame.width, frame.height) if _quarter_turns(frame) % 2 else (frame.height, frame.width)


def _quarter_turns(frame: "VideoFrame") -> int:
    return round(frame.rotation / 90)
