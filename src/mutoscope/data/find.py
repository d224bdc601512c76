"""Which files of a folder are clips, which are captions, and which are neither. Nothing is opened."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..video.formats import PICTURES, STREAMS, kind_of
from ..video.pictures import frame_files
from .manifest import MANIFEST, PAGE
from .problems import Problem, shown

CLIPS = (*STREAMS, *PICTURES)
TABLES = ("captions.csv", "captions.jsonl")


@dataclass
class Found:
    """Paths of a folder, in the order of their names."""

    folder: Path
    clips: list[Path] = field(default_factory=list)
    """Files, and folders of numbered pictures."""
    tables: list[Path] = field(default_factory=list)
    texts: set[Path] = field(default_factory=set)
    num_others: int = 0
    """Files that are neither clips nor captions, nor what an earlier scan wrote."""
    problems: list[Problem] = field(default_factory=list)

    def relative(self, path: Path) -> str:
        """The path below the folder, / between the parts."""
        return path.relative_to(self.folder).as_posix()

    def report(self, path: Path, reason: str, words: str, kept: bool = False) -> None:
        """Add a problem of one file."""
        self.problems.append(Problem(file=shown(self.relative(path)), reason=reason, words=words, kept=kept))


def find_files(folder: Path) -> Found:
    """Walk through a folder and everything below it; hidden files are left alone.

    Links to folders are never followed, and links to files only where they end inside: so nothing outside is read and
    no loop is endless.
    """
    found = Found(folder)
    waiting = [folder]
    while waiting:
        below = waiting.pop()
        try:
            entries = sorted(os.scandir(below), key=lambda entry: entry.name)
        except OSError as error:
            found.report(below, "no permission", f"cannot be listed: {error.strerror}; change its permissions.")
            continue
        if below != folder and frame_files(below):
            found.clips.append(below)
            continue
        # Reversed, because the last one is taken first.
        waiting += reversed(list(_sort_entries(found, entries)))
    found.clips.sort(key=found.relative)
    return found


def _sort_entries(found: Found, entries: list[os.DirEntry[str]]) -> Iterator[Path]:
    """Put the files of one folder in their places; its folders are what is left."""
    for entry in entries:
        path = Path(entry)
        if entry.name.startswith("."):
            continue
        if not _is_text(entry.name):
            found.report(path, "name", "has a name that is not UTF-8; rename it.")
        elif entry.is_symlink():
            _follow(found, path)
        elif entry.is_dir():
            yield path
        elif entry.is_file():
            _sort_in(found, path)
        elif kind_of(path) in CLIPS:
            found.report(path, "not a file", "is a pipe, socket or device; put a file there.")


def _follow(found: Found, link: Path) -> None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return found.report(link, "link", "is a link to nothing, or to itself; remove it.")
    if target.is_file() and target.is_relative_to(found.folder.resolve()):
        return _sort_in(found, link)
    words = "is a link; links out of the folder and to folders are not followed: copy here what it points to."
    return found.report(link, "link", words)


def _sort_in(found: Found, path: Path) -> None:
    if kind_of(path) in CLIPS:
        found.clips.append(path)
    elif path.name in TABLES:
        found.tables.append(path)
    elif kind_of(path) == "txt":
        found.texts.add(path)
    elif path.name not in (MANIFEST, PAGE):
        found.num_others += 1


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
