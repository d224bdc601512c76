"""What a file holds, found by decoding all of it once: headers lie, and a file that was cut off looks whole."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from .formats import DEFAULT_FPS, PICTURES, Unreadable, kind_of
from .pictures import frame_files, pictures, rgb, spread
from .read import check_file
from .stream import OpenVideo, open_video, upright, upright_size

MIN_SIDE = 8
"""Pixels; a clip with fewer rows or columns shows nothing."""
THUMBNAIL_SIDE = 160

Tick = Callable[[], None]
"""Called for every frame and every megabyte: whoever waits for a file sees that it goes on."""


@dataclass(frozen=True)
class Probe:
    """Facts about a clip; `notes` are pairs of a short reason and a sentence, about what is odd but no obstacle."""

    num_frames: int
    fps: float
    height: int
    width: int
    codec: str
    sha: str
    thumbnail: bytes
    notes: tuple[tuple[str, str], ...] = ()


def probe(path: Path, tick: Tick = lambda: None) -> Probe:
    """Decode a video, a picture or a folder of numbered pictures from beginning to end; memory for one frame.

    Numbers are of the upright frames that `read_video` gives. The thumbnail is the first one, webp, its longer side
    THUMBNAIL_SIDE pixels. Raises Unreadable for what cannot be learned from; OSError where it may not be read.
    """
    if path.is_dir():
        return _probe_folder(path, tick)
    check_file(path)
    if kind_of(path) in PICTURES:
        return _probe_picture(path, tick)
    with open_video(path) as video:
        return _probe_video(video, tick)


def _probe_video(video: OpenVideo, tick: Tick) -> Probe:
    path, stream = video.path, video.stream
    stream.thread_count = 1  # several files are looked at at once
    thumbnail, size, times_s = b"", (0, 0), _Times(path)
    for frame in video.frames():
        if not thumbnail:
            thumbnail, size = _thumbnail(upright(frame)), upright_size(frame)
        if frame.is_corrupt:
            words = f"is damaged at frame {times_s.count}; copy it again or convert it to mp4."
            raise Unreadable(path, "damaged", words)
        times_s.add(frame.time)
        tick()
    _check_side(path, *size)
    notes = times_s.notes()
    if (number := len(video.container.streams.video)) > 1:
        notes.append(("several streams", f"has {number} video streams; the first one is used."))
    return Probe(
        num_frames=times_s.count,
        fps=times_s.fps(video.fps),
        height=size[0],
        width=size[1],
        codec=stream.codec_context.codec.canonical_name,
        sha=_sha([path], tick),
        thumbnail=thumbnail,
        notes=tuple(notes),
    )


class _Times:
    """When the frames of a video are shown, without keeping them all."""

    def __init__(self, path: Path):
        self.count = 0
        self._path, self._first_s, self._last_s = path, 0.0, 0.0
        self._shortest_s, self._longest_s = float("inf"), 0.0

    def add(self, time_s: float | None) -> None:
        """Count a frame; None = the file does not say when. Raises Unreadable where time runs backwards."""
        if time_s is not None and self.count:
            gap_s = time_s - self._last_s
            if gap_s < 0:
                words = (
                    f"goes back in time at frame {self.count}, from {self._last_s:.3f} s to {time_s:.3f} s; "
                    "convert it to mp4."
                )
                raise Unreadable(self._path, "timestamps", words)
            self._shortest_s, self._longest_s = min(self._shortest_s, gap_s), max(self._longest_s, gap_s)
        if time_s is not None:
            self._first_s, self._last_s = (self._first_s if self.count else time_s), time_s
        self.count += 1

    def fps(self, stated: float) -> float:
        """What the file states, unless its timestamps tell another rate."""
        passed_s = self._last_s - self._first_s
        measured = (self.count - 1) / passed_s if passed_s > 0 else stated
        return stated if abs(measured - stated) < 0.02 * stated else measured

    def notes(self) -> list[tuple[str, str]]:
        if self.count == 1:
            return [("one frame", "holds one frame: a picture, not a video.")]
        # Half a millisecond either way: containers round times.
        if self._longest_s - 0.001 > 1.5 * (self._shortest_s + 0.001):
            shortest, longest = 1000 * self._shortest_s, 1000 * self._longest_s
            return [("variable frame rate", f"shows its frames for {shortest:.0f} to {longest:.0f} ms.")]
        return []


def _probe_picture(path: Path, tick: Tick) -> Probe:
    thumbnail, height, width, durations_ms = b"", 0, 0, []
    for image, duration_ms in pictures(path):
        if not thumbnail:
            first = rgb(image)
            thumbnail, height, width = _thumbnail(first), *first.shape[:2]
        durations_ms.append(duration_ms)
        tick()
    _check_side(path, height, width)
    shown, fps = spread(durations_ms)
    return Probe(sum(shown), fps, height, width, _codec(path), _sha([path], tick), thumbnail)


def _probe_folder(folder: Path, tick: Tick) -> Probe:
    files = frame_files(folder)
    first = None
    for file in files:
        found = _probe_picture(file, tick)
        first = first or found
        if (found.height, found.width) != (first.height, first.width):
            raise Unreadable(folder, "changing size", "holds pictures of several sizes; a clip needs one size.")
    if first is None:
        raise Unreadable(folder, "other kind", "is a folder of something else than numbered pictures.")
    return replace(first, num_frames=len(files), fps=DEFAULT_FPS, sha=_sha(files, tick))


def _codec(picture: Path) -> str:
    return "jpeg" if kind_of(picture) == "jpg" else kind_of(picture)


def _check_side(path: Path, height: int, width: int) -> None:
    if min(height, width) < MIN_SIDE:
        raise Unreadable(path, "too small", f"is {width} x {height} pixels; a clip needs at least {MIN_SIDE} a side.")


def _thumbnail(picture: np.ndarray) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=60)
    return file.getvalue()


def _sha(files: list[Path], tick: Tick) -> str:
    content = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                content.update(chunk)
                tick()
    return content.hexdigest()[:16]
