"""A video as stretches: one shot each, or black, or frozen. Every frame belongs to exactly one stretch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from .formats import STREAMS, kind_of
from .read import check_file, read_video
from .stream import import_av, open_video

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# Frames are looked at in this size (columns, rows): a cell is the mean of many pixels, so noise and compression leave
# it alone, and whatever moves visibly changes at least one.
CELLS = (64, 48)
EPSILON_S = 1e-6  # times are sums of fractions

Kind = Literal["shot", "black", "frozen"]


class Stretch(NamedTuple):
    """Frames `first` to `stop` - 1 of a video."""

    kind: Kind
    first: int
    stop: int


@dataclass(frozen=True)
class Scenes:
    """When each frame of a video starts to be shown, with the end of the last one, and its stretches in order."""

    times_s: tuple[float, ...]
    stretches: tuple[Stretch, ...]


def find_scenes(
    path: Path,
    *,
    scene_threshold: float,
    black_level: float,
    frozen_level: float,
    frozen_s: float,
    tick: Callable[[], None] = lambda: None,
) -> Scenes:
    """Decode a clip from beginning to end and tell its shots, black and frozen stretches apart.

    scene_threshold: score of FFmpeg's `scdet` filter, 0 to 100, from which a frame starts another shot.
    black_level: a frame is black where no cell is brighter in any colour, 0 to 255; below 0 none is.
    frozen_level: a stretch is frozen where no cell differs by more from its first frame, 0 to 255; below 0 none is.
    frozen_s: seconds it must last for that.
    tick: called for every frame. Raises Unreadable as `read_video` does.
    """
    cutter = _Cutter(scene_threshold)
    starts: set[int] = set()
    times_s: list[float] = []
    kinds: list[Kind] = []
    still_first, still_cells, length_s = 0, None, 0.0
    for index, (time_s, length_s, frame) in enumerate(_shown(path)):  # noqa: B007 (the last one is used)
        cells = frame.to_ndarray().astype(np.int16)
        if cutter.is_cut(frame, index):
            starts.add(index)
        times_s.append(time_s)
        kinds.append("black" if cells.max() <= black_level else "shot")
        if still_cells is None or np.abs(cells - still_cells).max() > frozen_level:
            _mark_frozen(kinds, times_s, still_first, index, frozen_s)
            still_first, still_cells = index, cells
        tick()
    times_s.append(times_s[-1] + length_s)
    _mark_frozen(kinds, times_s, still_first, len(kinds), frozen_s)
    return Scenes(tuple(times_s), tuple(_stretches(kinds, starts)))


def _mark_frozen(kinds: list[Kind], times_s: list[float], first: int, stop: int, frozen_s: float) -> None:
    """Frames `first` to `stop` - 1 stand still; black ones are called black."""
    if stop - first > 1 and times_s[stop] - times_s[first] >= frozen_s - EPSILON_S:
        kinds[first:stop] = ["black" if kind == "black" else "frozen" for kind in kinds[first:stop]]


def _stretches(kinds: list[Kind], starts: set[int]) -> Iterator[Stretch]:
    first = 0
    for stop in range(1, len(kinds) + 1):
        if stop == len(kinds) or kinds[stop] != kinds[first] or (kinds[first] == "shot" and stop in starts):
            yield Stretch(kinds[first], first, stop)
            first = stop


def _shown(path: Path) -> Iterator[tuple[float, float, "VideoFrame"]]:
    """Every frame in the size of CELLS, with the second it starts at and the seconds a frame lasts."""
    size = {"width": CELLS[0], "height": CELLS[1], "format": "rgb24", "interpolation": "AREA"}
    if path.is_dir() or kind_of(path) not in STREAMS:
        clip = read_video(path)
        for index, picture in enumerate(clip.frames_u8):
            frame = import_av().VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            yield index / clip.fps, 1 / clip.fps, frame.reformat(**size)
        return
    check_file(path)
    with open_video(path) as video:
        video.stream.thread_count = 1  # several files are looked at at once
        for index, frame in enumerate(video.frames()):
            time_s = index / video.fps if frame.time is None else frame.time
            yield time_s, 1 / video.fps, frame.reformat(**size, src_color_range=frame.color_range)


class _Cutter:
    """FFmpeg's `scdet`, asked frame by frame."""

    def __init__(self, threshold: float):
        av = import_av()
        self._nothing_yet = (av.error.BlockingIOError, av.error.EOFError)
        graph = av.filter.Graph()
        width, height = CELLS
        source = graph.add_buffer(width=width, height=height, format="rgb24", time_base=Fraction(1, 25))
        # With sc_pass only the first frame of a new shot comes out at the other end.
        detector = graph.add("scdet", f"threshold={threshold}:sc_pass=1")
        sink = graph.add("buffersink")
        source.link_to(detector)
        detector.link_to(sink)
        graph.configure()
        self._graph = graph

    def is_cut(self, frame: "VideoFrame", index: int) -> bool:
        """Whether this frame, the next in order, starts another shot."""
        frame.pts, frame.time_base = index, Fraction(1, 25)
        self._graph.push(frame)
        try:
            return self._graph.pull().pts == index
        except self._nothing_yet:
            return False
