"""One encoder per kind of file: frames in bytes come in pieces, a file is there at the end.

mp4, webm and npy are written as the frames come, at constant memory. gif wants one palette for the whole clip, webp and
png know no other way than all at once: their frames are kept until the end.
"""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from .pixels import enlarge
from .stream import import_av

_BT709 = 1  # ffmpeg's number for this matrix, transfer curve and set of primaries
_LIMITED_RANGE = 1
_WEBP_SIDE = 16383  # pixels, a limit of the format


class Encoder(ABC):
    """Pieces of one clip, (F, H, W, 3) uint8, in their order."""

    @abstractmethod
    def add(self, frames_u8: np.ndarray) -> None:
        """The next frames."""

    @abstractmethod
    def finish(self) -> None:
        """Make the file whole."""

    def close(self) -> None:  # noqa: B027 (most hold nothing open)
        """Let go of the file, also where it did not become whole."""


def encoder_of(kind: str, file: Path, fps: float, scale: int) -> Encoder:
    """The encoder that writes `file` (whatever its suffix) as a file of this kind."""
    match kind:
        case "mp4":
            # faststart: the index goes before the pictures, so that a player starts while it loads.
            # x264 would look 40 frames ahead, most of the memory of a batch of long videos; 10 make files no larger.
            options = {"crf": "12", "preset": "medium", "rc-lookahead": "10"}
            return StreamEncoder(file, fps, scale, "mp4", "libx264", options, {"movflags": "faststart"})
        case "webm":
            options = {"crf": "12", "deadline": "good", "cpu-used": "2"}
            return StreamEncoder(file, fps, scale, "webm", "libvpx-vp9", options, {})
        case "npy":
            return NpyEncoder(file)
        case "gif":
            return WholeEncoder(file, scale, lambda frames_u8: _gif(frames_u8, fps))
        case "webp":
            return WholeEncoder(file, scale, lambda frames_u8: _webp(frames_u8, fps), _WEBP_SIDE)
        case _:
            return WholeEncoder(file, scale, _strip)


class StreamEncoder(Encoder):
    """A video stream through PyAV; holds as many frames as the codec looks ahead."""

    def __init__(
        self,
        file: Path,
        fps: float,
        scale: int,
        container: str,
        codec: str,
        options: dict[str, str],
        muxing: dict[str, str],
    ):
        self._av = import_av()
        self._codec, self._options, self._scale = codec, options, scale
        self._rate = Fraction(fps).limit_denominator(1001)  # 23.976 and 29.97 are 24000/1001 and 30000/1001
        # Absolute, because a colon in a relative name would read as an address ("take 1:2.mp4").
        self._output = self._av.open(str(file.absolute()), "w", format=container, options=muxing)
        self._stream, self._count = None, 0

    def add(self, frames_u8: np.ndarray) -> None:
        """Encode the next frames."""
        for picture in frames_u8:  # enlarged one by one: large pixels may be many
            rows, columns = picture.shape[0] * self._scale % 2, picture.shape[1] * self._scale % 2
            shown = np.pad(enlarge(picture[None], self._scale)[0], ((0, rows), (0, columns), (0, 0)), mode="edge")
            stream = self._stream = self._stream or self._open(*shown.shape[:2])
            rgb = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            # AREA makes a 4:2:0 colour sample the plain mean of its 2 x 2 pixels: exact for enlarged pixels.
            frame = rgb.reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="AREA"
            )
            frame.pts, frame.time_base = self._count, 1 / self._rate
            self._output.mux(stream.encode(frame))
            self._count += 1

    def finish(self) -> None:
        """Encode what the codec still holds, and write the index."""
        assert self._stream is not None
        self._output.mux(self._stream.encode(None))
        self._output.close()

    def close(self) -> None:
        """Close the file."""
        self._output.close()

    def _open(self, height: int, width: int):
        """The stream, once the size is known: 4:2:0 colour needs an even one."""
        stream = self._output.add_stream(self._codec, rate=self._rate, options=self._options)
        stream.height, stream.width = height, width
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.bit_rate = 0  # quality is set by crf alone
        # Untagged files are guessed differently by different players: say which colours these are.
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream


class NpyEncoder(Encoder):
    """The bytes themselves behind numpy's header, which leaves room for a larger number of frames."""

    def __init__(self, file: Path):
        self._file, self._count, self._size = open(file, "wb"), 0, (0, 0)  # noqa: SIM115 (closed by close)

    def add(self, frames_u8: np.ndarray) -> None:
        """Append the next frames."""
        if not self._count:
            self._size = frames_u8.shape[1:3]
            self._header()
        self._count += len(frames_u8)
        self._file.write(np.ascontiguousarray(frames_u8).data)

    def finish(self) -> None:
        """Say in the header how many they were."""
        self._file.seek(0)
        self._header()
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _header(self) -> None:
        shape = (self._count, *self._size, 3)
        np.lib.format.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})


class WholeEncoder(Encoder):
    """Keeps the frames until the end."""

    def __init__(self, file: Path, scale: int, encode: Callable[[np.ndarray], bytes], longest_side: int | None = None):
        self._file, self._scale, self._encode, self._longest_side = file, scale, encode, longest_side
        self._pieces: list[np.ndarray] = []

    def add(self, frames_u8: np.ndarray) -> None:
        """Keep the next frames."""
        height, width = frames_u8.shape[1] * self._scale, frames_u8.shape[2] * self._scale
        if self._longest_side is not None and max(height, width) > self._longest_side:
            raise ValueError(
                f"webp holds at most {self._longest_side} pixels a side, got {height} x {width}; "
                "write mp4 or a smaller scale."
            )
        self._pieces.append(frames_u8.copy())

    def finish(self) -> None:
        """Encode them all."""
        self._file.write_bytes(self._encode(enlarge(np.concatenate(self._pieces), self._scale)))


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
