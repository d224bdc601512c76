"""The frames of a clip as a model sees them: at its rate and in its size.

Frames are chosen by their timestamps and never mixed. Those that nobody sees are decoded, because others build on
them, but not converted; the rest go from the decoder's pixel format to the small picture in one step.
"""

import io
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from .formats import STREAMS, Unreadable, kind_of
from .pictures import pictures, rgb, spread
from .read import check_file, read_video
from .stream import OpenVideo, import_av, open_video, upright, upright_size

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

ROUNDING_S = 0.0006  # matroska keeps whole milliseconds: a frame may be stamped half of one late

_Frame = TypeVar("_Frame")


def decode(
    path: Path,
    fps: float | int,
    height: int,
    width: int,
    start_s: float | None = None,
    end_s: float | None = None,
    max_frames: int | None = None,
    file: io.RawIOBase | None = None,
) -> UInt8[np.ndarray, "F {height} {width} 3"]:
    """Decode what a model of this rate and size sees of a clip that `read_video` reads.

    Frame k is what is shown at start_s + k / fps: a clip of a lower rate repeats frames, one of a variable rate keeps
    its speed. Pictures are scaled until they cover height x width, antialiased, and cropped around their centre;
    colours, rotation and pixel aspect are as `read_video` has them.

    start_s, end_s: seconds by the file's own timestamps, or frame number / rate where it has none: frames begin with
    what is shown at start_s, none begins at end_s. None = the first frame; until the last has been shown, too.
    max_frames: stop after this many (>= 1); fewer come where the clip is shorter.
    file: read this open file, such as a member of a shard; `path` is then only its kind and what errors call it.
    Raises ValueError, in one line, where the clip shows nothing in that time, and otherwise as `read_video`.
    """
    if start_s is not None and end_s is not None and end_s <= start_s:
        raise ValueError(f"{path}: start_s={start_s:g}, end_s={end_s:g} do not fit; a clip ends after it starts.")
    times = _Times(float(fps), start_s, end_s, max_frames)
    if kind_of(path) in STREAMS and (file is not None or not path.is_dir()):
        frames = _of_stream(path, file, times, height, width)
    else:
        frames = _of_pictures(path, file, times, height, width)
    if not frames:
        until = "on" if end_s is None else f"to {end_s:g} s"
        words = f"shows nothing from {start_s or 0:g} s {until}: it is shorter, or has changed; scan it again."
        raise Unreadable(path, "too short", words)
    return np.stack(frames)


@dataclass(frozen=True)
class _Times:
    """When a clip is looked at: start_s + k / fps."""

    fps: float
    start_s: float | None
    end_s: float | None
    max_frames: int | None

    def seen(self, shown: Iterator[tuple[float, _Frame]], lasting_s: float) -> Iterator[tuple[_Frame, int]]:
        """The frames that are seen, of those that are shown from rising times on, and how often each.

        The last one is shown as long as the others on average, and at least for lasting_s.
        """
        time_s, frame = next(shown)
        first_s, begin_s = time_s, time_s if self.start_s is None else self.start_s
        stop = sys.maxsize if self.max_frames is None else self.max_frames
        if self.end_s is not None:
            stop = min(stop, self._before(self.end_s, begin_s))
        taken, number = 0, 0
        for number, (next_s, next_frame) in enumerate(shown, 1):  # noqa: B007 (the last one is used)
            due = min(stop, self._before(next_s, begin_s))
            if due > taken:
                yield frame, due - taken
                taken = due
            if taken == stop:
                return
            time_s, frame = next_s, next_frame
        lasting_s = max(lasting_s, (time_s - first_s) / max(1, number))
        due = min(stop, self._before(time_s + lasting_s, begin_s))
        if due > taken:
            yield frame, due - taken

    def _before(self, time_s: float, begin_s: float) -> int:
        """How many looks come before a time, from begin_s on."""
        return max(0, math.ceil((time_s - ROUNDING_S - begin_s) * self.fps))


def _of_stream(
    path: Path, file: io.RawIOBase | None, times: _Times, height: int, width: int
) -> list[UInt8[np.ndarray, "{height} {width} 3"]]:
    if file is None:
        check_file(path)
    frames: list[np.ndarray] = []
    with open_video(path, file) as video:
        scaled = _scaling(height, width)
        for frame, count in times.seen(_shown(video, times.start_s), 1 / video.fps):
            frames += [_centre(scaled(frame), height, width)] * count
    return frames


def _shown(video: OpenVideo, start_s: float | None) -> Iterator[tuple[float, "VideoFrame"]]:
    """Frames with the second that each is shown from; the first one is already shown at start_s, where any is."""
    frames = video.frames() if start_s is None else _frames_from(video, start_s)
    for number, frame in enumerate(frames):
        yield number / video.fps if frame.time is None else frame.time, frame


def _frames_from(video: OpenVideo, start_s: float) -> Iterator["VideoFrame"]:
    """Frames from a key frame on that is shown at start_s or before; from the file's first one where it has no other.

    Files are sought by when frames are decoded, and some are decoded before others that are shown earlier: where that
    led too far, another key frame further back is tried.
    """
    container, stream = video.container, video.stream
    tick_s, first = stream.time_base or 1, stream.start_time or 0
    back_s = 0.0
    while (target := int((start_s + ROUNDING_S - back_s) / tick_s)) > first:
        try:
            container.seek(target, stream=stream)
        except import_av().error.FFmpegError:  # a file without an index
            break
        frames = video.frames()
        frame = next(frames)
        if frame.time is not None and frame.time <= start_s + ROUNDING_S:
            return chain([frame], frames)
        back_s = 2 * back_s + 1
    if back_s:
        container.seek(first, stream=stream)
    return video.frames()


def _scaling(height: int, width: int) -> Callable[["VideoFrame"], UInt8[np.ndarray, "H W 3"]]:
    """Turns a frame into its upright bytes, just large enough to cover height x width."""
    swscale = import_av().video.reformatter
    # AREA makes a pixel the mean of those it stands for; the other flag keeps colours as sharp as light.
    area = swscale.Interpolation.AREA | swscale.Interpolation.FULL_CHR_H_INT
    reformatter = swscale.VideoReformatter()  # for all frames: each one's own would work out the filter again

    def scaled(frame: "VideoFrame") -> np.ndarray:
        scale = _scale(upright_size(frame), height, width)
        size = {"height": round(frame.height * scale), "width": round(frame.width * scale)}
        if scale != 1:  # one thread: there is less to do than more of them cost
            colours = {"format": "rgb24", "src_color_range": frame.color_range}
            frame = reformatter.reformat(frame, **size, **colours, interpolation=area, threads=1)
        return upright(frame)

    return scaled


def _of_pictures(
    path: Path, file: io.RawIOBase | None, times: _Times, height: int, width: int
) -> list[UInt8[np.ndarray, "{height} {width} 3"]]:
    whole, fps = _whole(path, file)
    shown = ((number / fps, picture) for number, picture in enumerate(whole))
    frames: list[np.ndarray] = []
    for picture, count in times.seen(shown, 1 / fps):
        scale = _scale(picture.shape[:2], height, width)
        size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
        small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
        frames += [_centre(small, height, width)] * count
    return frames


def _whole(path: Path, file: io.RawIOBase | None) -> tuple[list[UInt8[np.ndarray, "H W 3"]], float]:
    """All frames of a file without timestamps, and their rate."""
    if file is None:
        clip = read_video(path)
        return list(clip.frames_u8), clip.fps
    found, durations_ms = [], []
    for image, duration_ms in pictures(path, file):
        found.append(rgb(image))
        durations_ms.append(duration_ms)
    counts, fps = spread(durations_ms)
    return [picture for picture, count in zip(found, counts, strict=True) for _ in range(count)], fps


def _scale(size: tuple[int, int], height: int, width: int) -> float:
    """The smallest scale at which a picture of this (height, width) covers the other."""
    return max(height / size[0], width / size[1])


def _centre(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]
