"""`mutoscope data split`: long videos -> shots and windows, and which clips are kept for measuring.

Nothing is encoded again: a piece is an entry of the manifest with `start_s` and `end_s`.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field, model_validator

from ..config import Config
from .examine import LIMIT_S, Trouble, scenes_of_files
from .manifest import ManifestEntry
from .problems import Problem, shown

if TYPE_CHECKING:
    from ..video.scenes import Scenes

Progress = Callable[[int, int], None]
"""(files looked at, files in all)."""


class Cuts(Config):
    """Where clips are cut, what is left out, and what is kept for measuring."""

    scene_threshold: Annotated[float, Field(gt=0, le=100)] = 10.0
    """Score of FFmpeg's scdet filter from which a frame starts another shot; 100 = hardly ever."""
    black_level: Annotated[float, Field(ge=-1, le=255)] = 16.0
    """Frames in which nothing is brighter than this are left out, 0 to 255; -1 = none."""
    frozen_level: Annotated[float, Field(ge=-1, le=255)] = 1.0
    """Stretches in which nothing changes by more than this are left out, 0 to 255; -1 = none."""
    frozen_s: Annotated[float, Field(gt=0)] = 1.0
    """Seconds that a stretch must stand still to be left out."""
    min_s: Annotated[float, Field(ge=0)] = 0.5
    """Pieces shorter than this are left out, seconds."""
    window_s: Annotated[float, Field(gt=0)] | None = None
    """Cut shots into windows of this length, seconds; a rest that fills none is left out. None = whole shots."""
    stride_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds from the start of a window to the start of the next; none = window_s."""
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of files kept for measuring, chosen by their content; all pieces of a file go together."""
    test_tail: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of every shot, its end, kept for measuring: for sets with one clip per caption."""

    @model_validator(mode="after")
    def _check_together(self) -> "Cuts":
        if self.test_share and self.test_tail:
            raise ValueError(f"got test_share={self.test_share} and test_tail={self.test_tail}; choose one of them.")
        if self.stride_s is not None and self.window_s is None:
            raise ValueError(f"got stride_s={self.stride_s} without window_s; add the length of a window.")
        return self


class Piece(NamedTuple):
    """Frames `first` to `stop` - 1 of a file."""

    first: int
    stop: int
    split: str = "train"


@dataclass
class Split:
    """The new manifest, and what became of the seconds that are not in it."""

    entries: list[ManifestEntry]
    problems: list[Problem]
    left_out_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("black", "frozen", "short"), 0.0))


def split(
    entries: Iterable[ManifestEntry],
    folder: Path,
    cuts: Cuts,
    *,
    limit_s: float = LIMIT_S,
    on_progress: Progress = lambda done, of: None,
) -> Split:
    """Cut the clips of a manifest that lies in `folder`. Files are read, nothing is written.

    Pieces that an earlier call made are put together first, so the outcome depends on the files and on `cuts` alone.
    Files of which nothing is left lose their entry. Files that cannot be decoded any more, and files whose pieces were
    given captions of their own, keep their entries as they are. All of these are reported.
    """
    of_file: dict[str, list[ManifestEntry]] = {}
    for entry in entries:
        of_file.setdefault(entry.file, []).append(entry)
    made = Split([], [])
    scenes = _find_scenes(of_file, folder, cuts, limit_s, on_progress, made.problems)
    for file, its in of_file.items():
        if file in scenes:
            wholes = {entry.caption: _whole(entry, scenes[file]) for entry in its}
            pieces = [piece for whole in wholes.values() for piece in cut(whole, scenes[file], cuts)]
            made.entries += pieces
            if not pieces:
                words = "has no piece left; scan again to have it back."
                made.problems.append(Problem(file=shown(file), reason="nothing left", words=words, kept=False))
            _count_left_out(made.left_out_s, scenes[file], cuts)
        else:
            made.entries += [
                entry.model_copy(update={"split": "train"}) if _is_picture(entry) else entry for entry in its
            ]
    if cuts.test_share:
        made.entries = mark_test(made.entries, cuts.test_share)
    return made


def _find_scenes(
    of_file: dict[str, list[ManifestEntry]],
    folder: Path,
    cuts: Cuts,
    limit_s: float,
    on_progress: Progress,
    problems: list[Problem],
) -> dict[str, "Scenes"]:
    """Of every file that can be cut; the others but for pictures are reported."""
    videos = []
    for file, its in of_file.items():
        if len({entry.caption for entry in its if entry.start_s is not None}) > 1:
            words = "has pieces with captions of their own, so it is not cut again; to cut it, scan again."
            problems.append(Problem(file=shown(file), reason="own captions", words=words, kept=True))
        elif not all(map(_is_picture, its)):
            videos.append(file)
    limits = cuts.model_dump(include={"scene_threshold", "black_level", "frozen_level", "frozen_s"})
    answers = scenes_of_files([folder / file for file in videos], limits, limit_s)
    scenes: dict[str, Scenes] = {}
    for done, (file, answer) in enumerate(zip(videos, answers, strict=True), 1):
        if isinstance(answer, Trouble):
            problems.append(Problem(file=shown(file), reason=answer.reason, words=answer.words, kept=True))
        else:
            scenes[file] = answer
        on_progress(done, len(videos))
    return scenes


def cut(entry: ManifestEntry, scenes: "Scenes", cuts: Cuts) -> list[ManifestEntry]:
    """The pieces of a whole file as entries; its own entry where nothing is cut off or apart."""
    pieces = find_pieces(scenes, cuts)
    if pieces == [Piece(0, entry.num_frames)]:
        return [entry]
    # Rounded towards the inside, so that rounding never lets a neighbour's frame in.
    return [
        entry.model_copy(
            update={
                "start_s": math.ceil(scenes.times_s[piece.first] * 1e6) / 1e6,
                "end_s": math.floor(scenes.times_s[piece.stop] * 1e6) / 1e6,
                "num_frames": piece.stop - piece.first,
                "split": piece.split,
            }
        )
        for piece in pieces
    ]


def find_pieces(scenes: "Scenes", cuts: Cuts) -> list[Piece]:
    """Frames of the shots that are long enough, then of their windows; the test tail is cut off before the windows."""
    times_s, pieces = scenes.times_s, []
    fps = (len(times_s) - 1) / (times_s[-1] - times_s[0])
    shots = [stretch for stretch in scenes.stretches if stretch.kind == "shot"]
    # A file that is one shot is kept however short it is: nothing was cut.
    alone = len(scenes.stretches) == 1
    for _, first, stop in shots:
        if not alone and times_s[stop] - times_s[first] < cuts.min_s - 1e-6:  # times are sums of fractions
            continue
        turn = stop - round(cuts.test_tail * (stop - first))
        for part in (Piece(first, turn), Piece(turn, stop, "test")):
            pieces += _windows(part, fps, cuts)
    return pieces


def _windows(part: Piece, fps: float, cuts: Cuts) -> list[Piece]:
    """Windows of equally many frames; the average rate says how many make `window_s`."""
    if part.first == part.stop or cuts.window_s is None:
        return [part] if part.first < part.stop else []
    length = max(1, round(cuts.window_s * fps))
    stride = max(1, round((cuts.stride_s or cuts.window_s) * fps))
    return [Piece(first, first + length, part.split) for first in range(part.first, part.stop - length + 1, stride)]


def mark_test(entries: list[ManifestEntry], share: float) -> list[ManifestEntry]:
    """Mark about `share` of the contents as test, the ones with the lowest hashes: nothing but content decides.

    At least one is marked and one is not, where there are two.
    """
    contents = sorted({entry.sha for entry in entries})
    number = min(max(1, round(share * len(contents))), len(contents) - 1)
    test = set(contents[:number])
    return [entry.model_copy(update={"split": "test" if entry.sha in test else "train"}) for entry in entries]


def _whole(entry: ManifestEntry, scenes: "Scenes") -> ManifestEntry:
    """The entry of the whole file that a piece was cut from."""
    update = {"start_s": None, "end_s": None, "num_frames": len(scenes.times_s) - 1, "split": "train"}
    return entry.model_copy(update=update)


def _is_picture(entry: ManifestEntry) -> bool:
    return entry.num_frames == 1 and entry.start_s is None


def _count_left_out(left_out_s: dict[str, float], scenes: "Scenes", cuts: Cuts) -> None:
    for kind, first, stop in scenes.stretches:
        if kind != "shot":
            left_out_s[kind] += scenes.times_s[stop] - scenes.times_s[first]
    used = {index for piece in find_pieces(scenes, cuts) for index in range(piece.first, piece.stop)}
    shot = {i for kind, first, stop in scenes.stretches if kind == "shot" for i in range(first, stop)}
    left_out_s["short"] += sum(scenes.times_s[i + 1] - scenes.times_s[i] for i in shot - used)
