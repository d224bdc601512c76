"""Captions that people wrote: `clip.txt` beside `clip.mp4`, tables with a line per clip, or the names of folders."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from .find import Found
from .problems import shown

LONGEST = 4096  # bytes of a text beside a clip; more is something else


def read_captions(found: Found) -> dict[Path, str]:
    """The caption of each clip that has one; what is wrong with caption files is reported in `found`.

    In this order: the text beside the clip, captions.jsonl, captions.csv (a table may lie in any folder and names
    files relative to its own), and only where no caption was written at all, the name of the folder that a clip is in.
    """
    captions = written_captions(found)
    if not found.tables and not captions:
        captions = names_of_folders(found)
    return {clip: caption for clip, caption in captions.items() if caption}


def written_captions(found: Found) -> dict[Path, str]:
    """Those of texts and tables, where there are any; empty ones, too."""
    captions: dict[Path, str] = {}
    for table in sorted(found.tables, key=lambda path: path.suffix):  # .jsonl after .csv, so it has the last word
        captions |= _read_table(found, table)
    for clip in found.clips:
        text = text_beside(clip)
        if text in found.texts and (caption := read_text(found, text)) is not None:
            captions[clip] = caption
    return captions


def names_of_folders(found: Found) -> dict[Path, str]:
    """What clips are called by where they lie."""
    return {clip: _words(clip.parent.name) for clip in found.clips if clip.parent != found.folder}


def text_beside(clip: Path) -> Path:
    """Where the caption of one clip is written, if it is: `clip.txt` beside `clip.mp4`."""
    return clip.parent / f"{clip.name if clip.is_dir() else clip.stem}.txt"


def _read_table(found: Found, table: Path) -> dict[Path, str]:
    captions: dict[Path, str] = {}
    text = decoded(found, table)
    clips = set(found.clips)
    for _, number, row in rows_of(table, text or ""):
        if isinstance(row, str):
            found.report(table, "caption file", f"line {number}: {row}", kept=True)
            continue
        file, caption = row
        clip = clip_of(table, file)
        if clip not in clips:
            found.report(table, "caption without clip", f"line {number}: there is no clip {shown(file)!r}.", kept=True)
        elif clip in captions:
            words = f"line {number}: another caption for {shown(file)!r}; the first one counts."
            found.report(table, "caption file", words, kept=True)
        else:
            captions[clip] = _words(caption, underscores=False)
    return captions


Row = tuple[str, str] | str
"""A file and its caption, or what is wrong with the line."""


def clip_of(table: Path, file: str) -> Path:
    """The clip that a table means; a path such as ../other.mp4 stays unresolved, and so is no clip of its folder."""
    return table.parent / file.replace("\\", "/")


def rows_of(table: Path, text: str) -> Iterator[tuple[int, int, Row]]:
    """Rows of a table with the lines each one takes, from … to, as a slice of `lines_of`."""
    return (_csv_rows if table.suffix == ".csv" else _jsonl_rows)(text)


def lines_of(table: Path, text: str) -> list[str]:
    """Lines with their ends; together they are the text."""
    if table.suffix == ".csv":  # csv knows three ends of lines, JSON lines have one
        return list(io.StringIO(text, newline=""))
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [text.rpartition("\n")[2]]


def separator_of(text: str) -> str:
    """What stands between the cells of a .csv table: comma, semicolon or tab, whichever its first line has most of."""
    return max(",;\t", key=text.partition("\n")[0].count)


def _csv_rows(text: str) -> Iterator[tuple[int, int, Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text), strict=True)
    columns: list[str] | None = None
    last = 0
    try:
        for row in reader:
            first, last = last, reader.line_num
            if columns is None:
                columns = [name.strip().lower() for name in row]
                if not {"file", "caption"} <= set(columns):
                    yield 0, 1, "the first line must name the columns: file,caption"
                    return
            elif row and len(row) != len(columns):
                yield first, last, f"{len(row)} columns instead of {len(columns)}; quote captions that hold commas."
            elif row:
                yield first, last, (row[columns.index("file")], row[columns.index("caption")])
    except csv.Error as error:
        yield last, reader.line_num, f"{error}; the lines from here on are not read."


def _jsonl_rows(text: str) -> Iterator[tuple[int, int, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number - 1, number, f"not JSON ({error})."
            continue
        known = isinstance(row, dict) and isinstance(row.get("file"), str) and isinstance(row.get("caption"), str)
        yield number - 1, number, (row["file"], row["caption"]) if known else 'must be {"file": "…", "caption": "…"}.'


def read_text(found: Found, path: Path) -> str | None:
    """The caption in a text beside a clip; None where it is none, which is reported."""
    if path.stat().st_size > LONGEST:
        words = f"is {path.stat().st_size:,} bytes long; a caption has at most {LONGEST:,}."
        found.report(path, "caption file", words, kept=True)
        return None
    text = decoded(found, path)
    return None if text is None else _words(text, underscores=False)


def decoded(found: Found, path: Path) -> str | None:
    """UTF-8, or UTF-16 that says so; anything else would be a guess."""
    try:
        content = path.read_bytes()
    except OSError as error:
        found.report(path, "no permission", f"cannot be read: {error.strerror}; change its permissions.", kept=True)
        return None
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
        if "\0" not in text:
            return text
        why = "holds zero bytes"
    except UnicodeDecodeError as error:
        why = f"byte 0x{content[error.start]:02x} in line {content[: error.start].count(10) + 1}"
    found.report(path, "caption file", f"is not UTF-8 text ({why}) and is not used; save it as UTF-8.", kept=True)
    return None


def _words(text: str, underscores: bool = True) -> str:
    """In one line; names of folders have _ where a caption has spaces."""
    return " ".join((text.replace("_", " ") if underscores else text).split())
