"""Chapters read aloud into audio files, by any program that turns a text file into one."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from ..files import whole_file
from .chapters import Chapter, anchor, chapter_names, read_chapter
from .markdown import sentences

COMMAND = "espeak-ng -v en -s 165 -f {text} -w {audio}"
INSTALL = "apt-get install espeak-ng, or give another program by --command"
LIMIT_S = 300


def narrate(names: Sequence[str], out: Path, command: str, on_line: Callable[[str], None]) -> list[Path]:
    """An audio file for every section, beside it the text that is read and its sentences as JSON; the audio files.

    names: chapters; none = all. command: what is started for each, with {text} and {audio} in it; no shell sees it.
    ValueError where it lacks them, is not installed, or fails.
    """
    words = command_words(command)
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for chapter in [read_chapter(name) for name in names or chapter_names()]:
        for number, (title, lines) in enumerate(sections(chapter)):
            stem = out / f"{chapter.name}-{number:02d}-{anchor(title)[:40]}"
            text, audio = stem.with_suffix(".txt"), stem.with_suffix(".wav")
            text.write_text("\n".join(lines) + "\n", encoding="utf-8")
            stem.with_suffix(".json").write_text(json.dumps({"title": title, "sentences": lines}, ensure_ascii=False))
            with whole_file(audio) as half:
                _start([word.replace("{text}", str(text)).replace("{audio}", str(half)) for word in words], half)
            made.append(audio)
            on_line(f"{audio}: {len(lines)} sentences")
    return made


def sections(chapter: Chapter) -> list[tuple[str, list[str]]]:
    """(title, sentences) from the top of the chapter on, code left out."""
    found: list[tuple[str, list[str]]] = [(chapter.title, [])]
    for cell in chapter.notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for piece in _at_headings(cell.source):
            if piece.startswith("## "):
                found.append((piece[3:].splitlines()[0].strip(), []))
            found[-1][1].extend(sentences(piece))
    return found


def command_words(command: str) -> list[str]:
    """The command as a list of arguments. ValueError where it cannot be meant, or its program is not there."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"--command {command!r} cannot be read: {error}.") from error
    if not words or not all(any(mark in word for word in words) for mark in ("{text}", "{audio}")):
        raise ValueError(f"--command {command!r} needs {{text}} and {{audio}}, as in {COMMAND!r}.")
    if shutil.which(words[0]) is None:
        raise ValueError(f"there is no program {words[0]!r} here: {INSTALL}.")
    return words


def _at_headings(source: str) -> list[str]:
    """A cell cut before every `## `."""
    pieces = [""]
    for line in source.splitlines(keepends=True):
        if line.startswith("## "):
            pieces.append("")
        pieces[-1] += line
    return [piece for piece in pieces if piece.strip()]


def _start(words: list[str], audio: Path) -> None:
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{shlex.join(words)} was not done after {LIMIT_S} s.") from error
    if done.returncode or not audio.is_file():
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no audio file came out"]
        raise ValueError(f"{shlex.join(words)} failed: {said[0]}")
