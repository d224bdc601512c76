"""A file -> its frames in bytes and its frame rate. Everything a user can have wrong is one readable line."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from mutoscope.video.pixels import check_frames_u8

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

STREAMS = ("mp4", "mkv", "webm", "avi", "mov", "m4v")
PICTURES = ("gif", "webp", "png", "jpg", "jpeg")
READABLE = (*STREAMS, *PICTURES, "npy")

DEFAULT_FPS = 8.0
"""Frames per second of files that know none: npy and pictures with one frame."""

# Only real containers: without it a text file named .mp4 can be a playlist that opens other files and addresses.
_DEMUXERS = "mov,matroska,webm,avi"
# What Pillow raises on broken bytes, seen by cutting files at many places.
_BROKEN_PICTURE = (OSError, EOFError, IndexError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Clip:
    """Frames in bytes, (F, H, W, 3) red green blue, and how many of them are shown per second."""

    frames_u8: UInt8[np.ndarray, "F H W 3"]
    fps: float


def read_video(path: str | os.PathLike[str], max_frames: int | None = None) -> Clip:
    """Read a clip: mp4, mkv, webm, avi, mov (first video stream), gif, webp, png, jpg, or npy (uint8 (F, H, W, 3)).

    Colours follow the file's matrix and range, rotation stored in a video is applied, non-square pixels are not
    stretched, transparent pixels become black. Frames come as stored; only gif and webp, which store how long each
    picture stays, are spread to a constant rate: a picture shown for twice the shortest time comes twice. Pictures
    and npy have no rate and get DEFAULT_FPS.

    max_frames: stop after this many (>= 1); None reads all, and the whole clip must fit in memory (F*H*W*3 bytes).
    Raises ValueError, in one line, for a file that is missing, empty, cut off, of another kind, or not a clip;
    ImportError where the package av is missing; OSError where the file may not be read.
    """
    path = Path(path)
    if max_frames is not None and max_frames < 1:
        raise ValueError(f"max_frames={max_frames} does not fit: pass a number >= 1, or None for all frames.")
    kind = path.suffix.lower().removeprefix(".")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; pass one file of {', '.join(READABLE)}.")
    if not path.exists():
        raise ValueError(f"{path} does not exist; check the spelling and the folder ({Path.cwd()}).")
    if kind not in READABLE:
        raise ValueError(f"{path} ends in {path.suffix or 'nothing'!r}; what can be read: {', '.join(READABLE)}.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes); copy or download it again.")
    with open(path, "rb"):  # no permission is told by the system's own error, before any decoder rewords it
        pass
    if kind == "npy":
        return _read_npy(path, max_frames)
    return _read_pictures(path, max_frames) if kind in PICTURES else _read_stream(path, max_frames)


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


def _read_npy(path: Path, max_frames: int | None) -> Clip:
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a readable npy file ({_first_line(error)}); save it with np.save.") from error
    if not isinstance(stored, np.ndarray):
        raise ValueError(f"{path} holds several arrays (npz); save one uint8 array (F, H, W, 3) with np.save.")
    try:
        check_frames_u8(stored)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Clip(np.array(stored[:max_frames], order="C"), DEFAULT_FPS)


def _read_pictures(path: Path, max_frames: int | None) -> Clip:
    frames: list[np.ndarray] = []
    durations: list[float] = []  # milliseconds
    try:
        with Image.open(path, formats=("GIF", "WEBP", "PNG", "JPEG")) as image:
            num_pictures = getattr(image, "n_frames", 1)
            for index in range(num_pictures if max_frames is None else min(num_pictures, max_frames)):
                image.seek(index)
                frames.append(_rgb(image))
                # Browsers show a picture that asks for no time at all for a tenth of a second.
                durations.append(float(image.info.get("duration") or 100))
    except _BROKEN_PICTURE as error:
        raise ValueError(
            f"{path} is not a readable picture after {len(frames)} frames ({_first_line(error)}); it is cut off "
            "or not gif, webp, png or jpg: copy it again."
        ) from error
    if len({frame.shape for frame in frames}) > 1:
        raise ValueError(f"{path} holds pictures of several sizes; a clip needs one size.")
    if num_pictures == 1:
        return Clip(np.stack(frames), DEFAULT_FPS)
    shown = [max(1, round(duration / min(durations))) for duration in durations]
    spread = np.repeat(np.stack(frames), shown, axis=0)[:max_frames]
    return Clip(spread, 1000 * sum(shown) / sum(durations))


def _rgb(image: Image.Image) -> np.ndarray:
    """(H, W, 3) bytes of the current picture, upright, transparent parts black, 16-bit grey scaled rather than cut."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return np.repeat((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if "A" in image.getbands() or "transparency" in image.info:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _read_stream(path: Path, max_frames: int | None) -> Clip:
    av = import_av()
    try:
        # Absolute, because a colon in a relative name would read as an address ("take 1:2.mp4").
        with av.open(os.path.abspath(path), options={"format_whitelist": _DEMUXERS}) as container:
            return _decode(path, container, max_frames)
    except av.error.FFmpegError as error:
        raise ValueError(
            f"{path} is not a readable video ({error.strerror}); it is cut off, damaged or of another kind. "
            f"Copy it again or convert it to mp4; what can be read: {', '.join(READABLE)}."
        ) from error


def _decode(path: Path, container: "InputContainer", max_frames: int | None) -> Clip:
    if not container.streams.video:
        raise ValueError(f"{path} has no video stream (only sound or text); pass a file with pictures.")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    fps = float(stream.average_rate or stream.guessed_rate or DEFAULT_FPS)
    frames: list[np.ndarray] = []
    end_s = 0.0
    for frame in islice(_decoded(path, container, stream), max_frames):
        picture = _upright(frame)
        if frames and picture.shape != frames[0].shape:
            raise ValueError(
                f"{path} changes size at frame {len(frames)}, from {frames[0].shape[:2]} to {picture.shape[:2]} "
                f"(height, width); a clip needs one size: pass max_frames={len(frames)} or cut it there."
            )
        frames.append(picture)
        end_s = max(end_s, (frame.time or 0.0) + 1 / fps)
    if not frames:
        raise ValueError(f"{path} holds no picture that can be decoded; copy it again or convert it to mp4.")
    if max_frames is None or len(frames) < max_frames:
        _check_complete(path, container, stream, len(frames), end_s, fps)
    return Clip(np.stack(frames), fps)


def _decoded(path: Path, container: "InputContainer", stream: "VideoStream") -> Iterator["VideoFrame"]:
    for packet in container.demux(stream):
        if packet.is_corrupt:  # the file ends inside this packet; the decoder would invent the missing part
            raise ValueError(f"{path} is cut off or damaged; copy it again, or read less of it with max_frames.")
        yield from packet.decode()


def _upright(frame: "VideoFrame") -> np.ndarray:
    """(H, W, 3) bytes, converted with the frame's own matrix and range and turned as the file asks (by 90 degrees)."""
    picture = frame.reformat(format="rgb24", src_color_range=frame.color_range).to_ndarray()
    return np.rot90(picture, k=round(frame.rotation / 90))


def _check_complete(
    path: Path, container: "InputContainer", stream: "VideoStream", num_frames: int, end_s: float, fps: float
) -> None:
    """A matroska file that was cut off just ends: the only witness is the duration its header promised."""
    promised_s = 0.0
    if stream.duration is not None and stream.time_base is not None:
        promised_s = float(stream.duration * stream.time_base)
    elif container.duration is not None and len(container.streams) == 1:  # sound may be longer than the pictures
        promised_s = container.duration / 1_000_000
    if promised_s - end_s > max(2.5 / fps, 0.05 * promised_s):
        raise ValueError(
            f"{path} is cut off: its header promises {promised_s:.2f} s, its {num_frames} frames end at {end_s:.2f} s. "
            f"Copy it again, or read what is there with max_frames={num_frames}."
        )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
