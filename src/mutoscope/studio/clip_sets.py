"""Sets of clips in a workspace, and what a page of one shows: read from manifest.jsonl, with what is wrong."""

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from ..config import Config
from ..data.manifest import MANIFEST, ManifestEntry, read_manifest
from ..errors import one_line
from .clip_files import plays
from .workspace import RUNS, Missing, Workspace

DEEPEST = 4  # folders below the workspace
SHORTEST = 17
"""Frames that the smallest model is usually trained on."""
MOST = 200
Seconds = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(max_length=500)]


class Wish(Config):
    """Which clips of a set to show."""

    set: Name
    search: Annotated[str, Field(max_length=200)] = ""
    """Words that the caption or the file's name must have."""
    split: Literal["", "train", "test"] = ""
    problems: bool = False
    duplicates: bool = False
    uncaptioned: bool = False
    page: Annotated[int, Field(ge=1, le=10**6)] = 1
    size: Annotated[int, Field(ge=1, le=MOST)] = 48


class OneClip(Config):
    """A clip of a set: a file, or a piece of one."""

    set: Name
    file: Annotated[str, Field(max_length=1000)]
    start_s: Seconds | None = None
    end_s: Seconds | None = None

    def means(self, entry: ManifestEntry) -> bool:
        """Whether it is this line of the manifest."""
        return (entry.file, entry.start_s, entry.end_s) == (self.file, self.start_s, self.end_s)


def find_sets(workspace: Workspace) -> list[dict[str, Any]]:
    """By name; a manifest that cannot be read is told as `problem`."""
    found = []
    for name in _names(workspace):
        try:
            entries = entries_of(workspace.clip_set(name))
        except Missing:  # a link out of the workspace, or gone at this moment
            continue
        except ValueError as error:
            found.append({"id": name, "clips": 0, "seconds": 0.0, "problem": one_line(error)})
            continue
        seconds = round(sum(entry.duration_s for entry in entries), 3)
        found.append({"id": name, "clips": len(entries), "seconds": seconds, "problem": None})
    return sorted(found, key=lambda row: row["id"])


def _names(workspace: Workspace) -> Iterable[str]:
    for place, inner, files in os.walk(workspace.folder):
        below = Path(place).relative_to(workspace.folder)
        depth = len(below.parts)
        inner[:] = [name for name in inner if _shown(name) and (depth or name != RUNS)] if depth < DEEPEST else []
        if depth and MANIFEST in files:
            yield below.as_posix()


def _shown(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no text: no browser can ask for them
        return False
    return not name.startswith(".")


def entries_of(folder: Path) -> tuple[ManifestEntry, ...]:
    """The manifest's lines; read again when the file has changed. ValueError where it cannot be read."""
    try:
        about = (folder / MANIFEST).stat()
        return _entries(folder, (about.st_mtime_ns, about.st_size, about.st_ino))
    except OSError as error:
        words = f"{folder / MANIFEST} cannot be read: {error.strerror}. Change its permissions, or scan again."
        raise ValueError(words) from error


@lru_cache(maxsize=16)
def _entries(folder: Path, marks: tuple[int, ...]) -> tuple[ManifestEntry, ...]:
    return tuple(read_manifest(folder))


def page_of(workspace: Workspace, wish: Wish) -> dict[str, Any]:
    """Clips that fit, in the manifest's order; counts are of the whole set. A page behind the last one is the last.

    Of each clip: its line of the manifest, `problems` in words, `duplicate_of` the file that has its content first,
    and whether browsers play its file as it is.
    """
    folder = workspace.clip_set(wish.set)
    clips = list(_looked_at(workspace, folder, entries_of(folder)))
    found = [clip for clip in clips if clip.fits(wish)]
    pages = max(1, -(-len(found) // wish.size))
    page = min(wish.page, pages)
    shown = found[(page - 1) * wish.size : page * wish.size]
    return {
        "set": wish.set, "counts": _counts(clips), "found": len(found), "page": page, "pages": pages,
        "clips": [clip.row() for clip in shown],
    }  # fmt: skip


def find_entry(workspace: Workspace, clip: OneClip) -> tuple[Path, ManifestEntry]:
    """The file of a clip and its line; Missing where the set has no such clip, or it is not inside the workspace."""
    folder = workspace.clip_set(clip.set)
    for entry in entries_of(folder):
        if clip.means(entry):
            return workspace.clip(folder, entry.file), entry
    raise Missing(f"{clip.set} has no clip {clip.file[:200]!r} any more. Load the page again.")


class _Clip(NamedTuple):
    """A line of a manifest, and what is wrong with it."""

    entry: ManifestEntry
    problems: list[str]
    duplicate_of: str | None

    def fits(self, wish: Wish) -> bool:
        """Whether it is one of those that are wished for."""
        entry = self.entry
        return (
            wish.split in ("", entry.split)
            and (not wish.problems or bool(self.problems))
            and (not wish.duplicates or self.duplicate_of is not None)
            and (not wish.uncaptioned or not entry.caption)
            and _has(f"{entry.caption}\n{entry.file}", wish.search)
        )

    def row(self) -> dict[str, Any]:
        """For JSON."""
        told = self.entry.model_dump() | {"seconds": round(self.entry.duration_s, 3), "plays": plays(self.entry)}
        return told | {"problems": self.problems, "duplicate_of": self.duplicate_of}


def _has(text: str, search: str) -> bool:
    return not search or all(word in text.lower() for word in search.lower().split())


def _looked_at(workspace: Workspace, folder: Path, entries: Iterable[ManifestEntry]) -> Iterator[_Clip]:
    firsts: dict[tuple, str] = {}
    there = _Files(workspace, folder)
    for entry in entries:
        content = (entry.sha, entry.start_s, entry.end_s)
        yield _Clip(entry, _problems(entry, there.has(entry.file)), firsts.get(content))
        firsts.setdefault(content, entry.file)


class _Files:
    """Which files of a set are there: each folder is listed once, because asking for each file takes seconds."""

    def __init__(self, workspace: Workspace, folder: Path):
        self._workspace, self._folder = workspace, folder
        self._plain: dict[str, set[str]] = {}

    def has(self, file: str) -> bool:
        """Whether a clip is there, inside the workspace."""
        parent, name = os.path.split(os.path.normpath(f"{self._folder}/{file}" if file[:1] != "/" else file))
        if parent not in self._plain:
            self._plain[parent] = self._list(parent)
        if name in self._plain[parent]:
            return True
        try:
            return self._workspace.clip(self._folder, file).exists()  # a link, perhaps
        except Missing:
            return False

    def _list(self, parent: str) -> set[str]:
        inside = Path(os.path.realpath(parent)).is_relative_to(self._workspace.folder)
        try:
            return {entry.name for entry in os.scandir(parent) if not entry.is_symlink()} if inside else set()
        except (OSError, ValueError):
            return set()


def _problems(entry: ManifestEntry, there: bool) -> list[str]:
    found = [] if there else ["the file is missing"]
    if not entry.caption:
        found.append("no caption")
    if entry.num_frames < SHORTEST:
        found.append(f"too short: {entry.num_frames} of {SHORTEST} frames")
    return found


def _counts(clips: list[_Clip]) -> dict[str, int]:
    return {
        "clips": len(clips),
        "uncaptioned": sum(not clip.entry.caption for clip in clips),
        "duplicates": sum(clip.duplicate_of is not None for clip in clips),
        "problems": sum(bool(clip.problems) for clip in clips),
    }
