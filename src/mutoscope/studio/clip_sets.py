"""Sets of clips in a workspace, and what a page of one shows: read from manifest.jsonl, with what is wrong."""

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

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
    rows = _rows(workspace, folder, entries_of(folder))
    found = [row for row in rows if _fits(row, wish)]
    pages = max(1, -(-len(found) // wish.size))
    page = min(wish.page, pages)
    return {
        "set": wish.set, "counts": _counts(rows), "found": len(found), "page": page, "pages": pages,
        "clips": found[(page - 1) * wish.size : page * wish.size],
    }  # fmt: skip


def find_entry(workspace: Workspace, clip: OneClip) -> tuple[Path, ManifestEntry]:
    """The file of a clip and its line; Missing where the set has no such clip, or it is not inside the workspace."""
    folder = workspace.clip_set(clip.set)
    for entry in entries_of(folder):
        if clip.means(entry):
            return workspace.clip(folder, entry.file), entry
    raise Missing(f"{clip.set} has no clip {clip.file[:200]!r} any more. Load the page again.")


def _rows(workspace: Workspace, folder: Path, entries: Iterable[ManifestEntry]) -> list[dict[str, Any]]:
    firsts: dict[tuple, str] = {}
    there: dict[str, bool] = {}
    rows = []
    for entry in entries:
        if entry.file not in there:
            there[entry.file] = _is_there(workspace, folder, entry.file)
        content = (entry.sha, entry.start_s, entry.end_s)
        rows.append({
            **entry.model_dump(), "seconds": round(entry.duration_s, 3),
            "problems": _problems(entry, there[entry.file]), "duplicate_of": firsts.get(content), "plays": plays(entry),
        })  # fmt: skip
        firsts.setdefault(content, entry.file)
    return rows


def _is_there(workspace: Workspace, folder: Path, file: str) -> bool:
    try:
        return workspace.clip(folder, file).exists()
    except Missing:
        return False


def _problems(entry: ManifestEntry, there: bool) -> list[str]:
    found = []
    if not there:
        found.append("the file is missing")
    if not entry.caption:
        found.append("no caption")
    if entry.num_frames < SHORTEST:
        found.append(f"too short: {entry.num_frames} of {SHORTEST} frames")
    return found


def _counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "clips": len(rows),
        "uncaptioned": sum(not row["caption"] for row in rows),
        "duplicates": sum(row["duplicate_of"] is not None for row in rows),
        "problems": sum(bool(row["problems"]) for row in rows),
    }


def _fits(row: dict[str, Any], wish: Wish) -> bool:
    text = f"{row['caption']}\n{row['file']}".lower()
    return (
        wish.split in ("", row["split"])
        and (not wish.problems or bool(row["problems"]))
        and (not wish.duplicates or row["duplicate_of"] is not None)
        and (not wish.uncaptioned or not row["caption"])
        and all(word in text for word in wish.search.lower().split())
    )
