"""`mutoscope data scan`: a folder of anything -> clips that can be learned from, and what is wrong with the rest."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..video.pictures import frame_files
from ..video.probe import Probe
from .caption_files import read_captions
from .examine import LIMIT_S, Trouble, probe_files
from .find import Found, find_files
from .manifest import ManifestEntry
from .problems import Problem, shown

Progress = Callable[[int, int], None]
"""(files looked at, files in all)."""


@dataclass(frozen=True)
class Scan:
    """What was found: entries in the order of their names, their first frames (webp) by `file`, and all problems."""

    folder: str
    """The folder that was looked at, as entries name it: `.` where the manifest lies in it."""
    entries: list[ManifestEntry]
    thumbnails: dict[str, bytes]
    problems: list[Problem]
    num_others: int
    """As in `Found`."""

    @property
    def duration_s(self) -> float:
        """Seconds of video in all."""
        return sum(entry.duration_s for entry in self.entries)


def scan(
    folder: Path, manifest_folder: Path, *, limit_s: float = LIMIT_S, on_progress: Progress = lambda done, of: None
) -> Scan:
    """Look at every file below `folder`, decoding each clip once from beginning to end. Writes nothing.

    Entries name their files relative to `manifest_folder`, where the manifest will lie; where that is outside of
    `folder`, their names begin with `..`. limit_s: see `examine`. Raises ValueError where `folder` is none.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ValueError(f"{folder} {what}; pass the folder that holds your clips: mutoscope data scan DIR")
    found = find_files(folder)
    probes = _probe(found, limit_s, on_progress)
    captions = read_captions(found)
    below = os.path.relpath(os.path.realpath(folder), os.path.realpath(manifest_folder))
    entries, thumbnails = [], {}
    for clip, probe in probes.items():
        file = Path(below, found.relative(clip)).as_posix()
        entries.append(_entry(file, probe, captions.get(clip, "")))
        thumbnails[file] = probe.thumbnail
        for reason, words in probe.notes:
            found.report(clip, reason, words, kept=True)
        if clip not in captions:
            found.report(
                clip, "no caption", "has no caption; write one into captions.csv, or into a .txt beside it.", kept=True
            )
    _report_twins(found, probes)
    problems = sorted(found.problems, key=lambda problem: (problem.kept, problem.reason, problem.file))
    return Scan(Path(below).as_posix(), entries, thumbnails, problems, found.num_others)


def _entry(file: str, probe: Probe, caption: str) -> ManifestEntry:
    return ManifestEntry(
        file=file,
        caption=caption,
        num_frames=probe.num_frames,
        fps=probe.fps,
        height=probe.height,
        width=probe.width,
        codec=probe.codec,
        sha=probe.sha,
    )


def _probe(found: Found, limit_s: float, on_progress: Progress) -> dict[Path, Probe]:
    """Facts about the clips that are fine; the others are reported."""
    probes: dict[Path, Probe] = {}
    waiting, done = list(found.clips), 0
    while waiting:
        loose: list[Path] = []
        for clip, answer in zip(waiting, probe_files(waiting, limit_s), strict=True):
            if not isinstance(answer, Trouble):
                probes[clip] = answer
            elif answer.reason == "changing size" and clip.is_dir():  # no clip after all: each picture is one
                loose += frame_files(clip)
            else:
                found.report(clip, *answer)
            done += 1
            on_progress(done, len(found.clips))
        found.clips += loose
        waiting = loose
    return {clip: probes[clip] for clip in sorted(probes, key=found.relative)}


def _report_twins(found: Found, probes: dict[Path, Probe]) -> None:
    """Files with one content, and files that a caption beside them, or a shard, cannot tell apart."""
    contents: dict[str, Path] = {}
    names: dict[Path, Path] = {}
    for clip, probe in probes.items():
        if (first := contents.setdefault(probe.sha, clip)) != clip:
            words = f"has the same content as {shown(found.relative(first))}; training sees it twice."
            found.report(clip, "same content", words, kept=True)
        if clip.is_file() and (first := names.setdefault(clip.with_suffix(""), clip)) != clip:
            words = f"has the name of {shown(found.relative(first))}; {shown(clip.stem)}.txt is the caption of both."
            found.report(clip, "same name", words, kept=True)
