"""Another caption for a clip, written where a scan reads it: a text beside the clip, or its row of a table."""

import codecs
import csv
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..files import whole_file
from ..video.formats import kind_of
from ..video.pictures import frame_files
from .caption_files import (
    clip_of,
    decoded,
    lines_of,
    names_of_folders,
    read_text,
    rows_of,
    separator_of,
    text_beside,
    written_captions,
)
from .find import CLIPS, TABLES, Found, find_files
from .problems import shown

CAPTION = re.compile(r'"caption"\s*:\s*("(?:[^"\\]|\\.)*")')

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Change:
    """A file as it is and as it shall be; None = it is not there."""

    path: Path
    before: bytes | None
    after: bytes | None

    def apply(self) -> None:
        """Write it, whole or not at all."""
        _put(self.path, self.after)

    def revert(self) -> None:
        """Put back what was there."""
        _put(self.path, self.before)


def written_caption(root: Path, clip: Path) -> str | None:
    """What the text beside a clip, else its row of a table, says now; None where there is neither.

    root: the folder that is scanned, which holds the clip.
    """
    found, text = Found(root), text_beside(clip)
    if _is_ours(root, text) and (caption := read_text(found, text)) is not None:
        return caption
    row = _row_of(root, clip)
    return None if row is None else " ".join(row.caption.split())


def plan_caption(root: Path, clip: Path, caption: str) -> Change:
    """The change of one file after which a scan of `root` reads this caption, and all others as before.

    Where the caption came from a text or a table, it is changed there. Otherwise a text is made beside the clip; where
    captions were the names of folders so far, they are put into captions.jsonl, because any caption that is written
    ends that. ValueError, in one line, where no file can hold the caption without changing another clip's.
    """
    text = text_beside(clip)
    if os.path.lexists(text):
        return _in_text(root, clip, text, caption)
    if (row := _row_of(root, clip)) is not None:
        return row.changed(caption)
    return _in_new_file(root, clip, text, caption)


def _in_text(root: Path, clip: Path, text: Path, caption: str) -> Change:
    if not _is_ours(root, text):
        raise ValueError(f"{shown(text.name)} is a link out of the folder, or no file. Put a text there, or remove it.")
    _check_alone(clip, text)
    found = Found(root)
    if read_text(found, text) is None:
        raise ValueError(f"{shown(text.name)} {found.problems[0].words}")
    path = text.resolve()
    # An empty text says that there is no caption; without it a table would speak, if there is one.
    gone = not caption and _row_of(root, clip) is None and not text.is_symlink()
    return Change(path, path.read_bytes(), None if gone else f"{caption}\n".encode())


def _in_new_file(root: Path, clip: Path, text: Path, caption: str) -> Change:
    found = find_files(root)
    names = {} if found.tables or written_captions(found) else names_of_folders(found)
    if any(names.values()):
        captions = {**names, clip: caption}
        rows = [{"file": found.relative(of), "caption": captions[of]} for of in sorted(captions, key=found.relative)]
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return Change(root / "captions.jsonl", None, content.encode())
    _check_alone(clip, text)
    return Change(text, None, f"{caption}\n".encode())


def _check_alone(clip: Path, text: Path) -> None:
    """A text beside two clips of one name is the caption of both."""
    for entry in os.scandir(clip.parent):
        other = Path(entry.path)
        if other == clip or not entry.name.startswith(text.stem) or text_beside(other) != text:
            continue
        if frame_files(other) if entry.is_dir() else kind_of(other) in CLIPS:
            words = f"{shown(text.name)} is the caption of {shown(other.name)}, too. Rename one of the two, scan again."
            raise ValueError(words)


def _is_ours(root: Path, file: Path) -> bool:
    """Whether a scan would open it."""
    return file.is_file() and file.resolve().is_relative_to(root.resolve())


@dataclass(frozen=True)
class _TableRow:
    """The row of a table that counts for a clip."""

    table: Path
    text: str
    first: int
    last: int
    caption: str

    def changed(self, caption: str) -> Change:
        """With all other rows as they are, byte by byte."""
        lines = lines_of(self.table, self.text)
        old = "".join(lines[self.first : self.last])
        new = _csv_row(self.text, old, caption) if self.table.suffix == ".csv" else _jsonl_row(old, caption)
        text = "".join([*lines[: self.first], new, *lines[self.last :]])
        path = self.table.resolve()
        before = path.read_bytes()
        return Change(path, before, _encoded_as(before, text))


def _row_of(root: Path, clip: Path) -> _TableRow | None:
    """As a scan has it: .jsonl before .csv, the nearest table first, in a table the first row."""
    for name in sorted(TABLES, reverse=True):
        for folder in _up_to(root, clip.parent):
            table = folder / name
            text = decoded(Found(root), table) if _is_ours(root, table) else None
            for first, last, row in rows_of(table, text or ""):
                if not isinstance(row, str) and clip_of(table, row[0]) == clip:
                    return _TableRow(table, text or "", first, last, row[1])
    return None


def _up_to(root: Path, folder: Path) -> Iterator[Path]:
    yield folder
    while folder != root and folder != folder.parent:
        folder = folder.parent
        yield folder


def _csv_row(text: str, old: str, caption: str) -> str:
    separator = separator_of(text)
    columns = [name.strip().lower() for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))]
    cells = next(csv.reader(io.StringIO(old, newline=""), delimiter=separator, strict=True))
    cells[columns.index("caption")] = caption
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator, lineterminator="\r\n").writerow(cells)  # so that both are quoted in cells
    return written.getvalue().removesuffix("\r\n") + old[len(old.rstrip("\r\n")) :]


def _jsonl_row(old: str, caption: str) -> str:
    wanted = {**json.loads(old), "caption": caption}
    new = json.dumps(caption, ensure_ascii=False)
    for match in CAPTION.finditer(old):  # one of them, unless the key is written in another way
        line = old[: match.start(1)] + new + old[match.end(1) :]
        if json.loads(line) == wanted:
            return line
    return json.dumps(wanted, ensure_ascii=False) + old[len(old.rstrip()) :]


def _encoded_as(before: bytes, text: str) -> bytes:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if before.startswith(mark):
            return mark + text.encode(name)
    return text.encode()


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as half:
        half.write_bytes(content)
