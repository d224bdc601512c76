"""Frames in bytes -> files that play everywhere. Encoders work in memory, so a file appears whole or not at all."""

import io
import math
import os
import uuid
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mutoscope.video.pixels import check_frames_u8, enlarge
from mutoscope.video.read import import_av

FORMATS = ("mp4", "webm", "gif", "webp", "png", "npy")
"""What can be written, by suffix."""

_BT709 = 1  # ffmpeg's number for this matrix, transfer curve and set of primaries
_LIMITED_RANGE = 1
_WEBP_SIDE = 16383  # pixels, a limit of the format


def write_video(
    path: str | os.PathLike[str], frames_u8: UInt8[np.ndarray, "F H W 3"], fps: float | int, scale: int = 1
) -> Path:
    """Write a clip; the suffix says how. Missing folders are made; the file appears whole or the old one stays.

    mp4   H.264, 4:2:0 colour, plays everywhere; odd sizes get their last row or column twice, so sizes are even
    webm  VP9, otherwise as mp4
    gif   256 colours for the whole clip (exact up to 256), at most 50 frames per second, loops
    webp  lossless, loops
    png   one picture with all frames side by side
    npy   the bytes themselves, for numpy.load; fps and scale are not stored

    gif and webp store a frame that repeats the one before as one longer frame; `read_video` undoes it, except where
    no frame is shown for a single tick (a clip that stands still reads as one frame).

    fps: frames per second, 0.1 to 240. scale: show each pixel as scale x scale pixels (players blur tiny videos,
    and from scale 2 on colours lose nothing to 4:2:0).
    Raises ValueError for another suffix, shape, fps or scale; OSError, naming `path`, where it cannot be written;
    ImportError for mp4 and webm where the package av is missing. Returns the path.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ValueError(f"{path} ends in {path.suffix or 'nothing'!r}; what can be written: {', '.join(FORMATS)}.")
    _write_whole(path, _encode(kind, frames_u8, float(fps), scale))
    return path


def encode_mp4(frames_u8: UInt8[np.ndarray, "F H W 3"], fps: float | int, scale: int = 1) -> bytes:
    """The bytes of an mp4 file (H.264), as `write_video` writes it; also for a data: address in a web page."""
    return _encode("mp4", frames_u8, float(fps), scale)


def encode_webp(frames_u8: UInt8[np.ndarray, "F H W 3"], fps: float | int, scale: int = 1) -> bytes:
    """The bytes of an animated, lossless, looping webp file, as `write_video` writes it; needs no package av."""
    return _encode("webp", frames_u8, float(fps), scale)


def _encode(kind: str, frames_u8: np.ndarray, fps: float, scale: int) -> bytes:
    check_frames_u8(frames_u8)
    if not (math.isfinite(fps) and 0.1 <= fps <= 240):
        raise ValueError(f"fps={fps} does not fit: pass frames per second from 0.1 to 240.")
    if kind == "npy":
        return _npy(frames_u8)
    shown = enlarge(frames_u8, scale)
    match kind:
        case "mp4":
            # The index goes before the pictures (what "faststart" does), so a player starts while it loads. Reserving
            # its place does that in memory; about 1 KB plus 16 bytes a frame are needed.
            options = {"crf": "12", "preset": "medium"}
            return _stream(shown, fps, "mp4", "libx264", options, {"moov_size": str(2048 + 32 * len(shown))})
        case "webm":
            return _stream(shown, fps, "webm", "libvpx-vp9", {"crf": "12", "deadline": "good", "cpu-used": "2"}, {})
        case "gif":
            return _gif(shown, fps)
        case "webp":
            return _webp(shown, fps)
        case _:
            return _strip(shown)


def _stream(
    frames_u8: np.ndarray, fps: float, container: str, codec: str, options: dict[str, str], muxing: dict[str, str]
) -> bytes:
    av = import_av()
    odd_rows, odd_columns = frames_u8.shape[1] % 2, frames_u8.shape[2] % 2  # 4:2:0 needs even sizes
    frames_u8 = np.pad(frames_u8, ((0, 0), (0, odd_rows), (0, odd_columns), (0, 0)), mode="edge")
    rate = Fraction(fps).limit_denominator(1001)  # 23.976 and 29.97 are 24000/1001 and 30000/1001
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=muxing) as output:
        stream = output.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames_u8.shape[1:3]
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.bit_rate = 0  # quality is set by crf alone
        # Untagged files are guessed differently by different players: say which colours these are.
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        for index, picture in enumerate(frames_u8):
            rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            # AREA makes a 4:2:0 colour sample the plain mean of its 2 x 2 pixels: exact for enlarged pixels.
            frame = rgb.reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="AREA"
            )
            frame.pts, frame.time_base = index, 1 / rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def _durations(num_frames: int, fps: float, tick_ms: int) -> list[int]:
    """Milliseconds per frame in whole ticks, rounded on the running total so that the clip keeps its length."""
    ends = [round(1000 * index / fps / tick_ms) * tick_ms for index in range(num_frames + 1)]
    return [end - start for start, end in zip(ends[:-1], ends[1:], strict=True)]


def _gif(frames_u8: np.ndarray, fps: float) -> bytes:
    num_frames, height, width, _ = frames_u8.shape
    # One palette for the clip and no dithering: a palette per frame flickers, and dither crawls.
    column = Image.fromarray(frames_u8.reshape(num_frames * height, width, 3))
    column = column.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    pictures = [column.crop((0, top, width, top + height)) for top in range(0, num_frames * height, height)]
    # Browsers slow frames under 20 ms down to 100 ms.
    durations = [max(20, duration) for duration in _durations(num_frames, fps, tick_ms=10)]
    file = io.BytesIO()
    pictures[0].save(
        file, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False, disposal=1
    )
    return file.getvalue()


def _webp(frames_u8: np.ndarray, fps: float) -> bytes:
    height, width = frames_u8.shape[1:3]
    if max(height, width) > _WEBP_SIDE:
        raise ValueError(
            f"webp holds at most {_WEBP_SIDE} pixels a side, got {height} x {width}; write mp4 or a smaller scale."
        )
    pictures = [Image.fromarray(np.ascontiguousarray(picture)) for picture in frames_u8]
    durations = _durations(len(pictures), fps, tick_ms=1)
    file = io.BytesIO()
    pictures[0].save(
        file, "WEBP", save_all=True, append_images=pictures[1:], duration=durations, loop=0, lossless=True, exact=True
    )
    return file.getvalue()


def _strip(frames_u8: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.concatenate(list(frames_u8), axis=1)).save(file, "PNG")
    return file.getvalue()


def _npy(frames_u8: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(frames_u8), allow_pickle=False)
    return file.getvalue()


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the target, then rename over it: a reader, a full disk or Ctrl-C never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:  # the same class, but about the file the user named
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
