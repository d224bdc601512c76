"""`mutoscope learn check [NAME [FILE]]`: the exercises, one of them, or whether an answer to it is right."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import tyro

from ..config import Config
from ..errors import suggestion
from ..learn.check import LARGEST, check
from ..learn.exercises import Exercise, exercises
from .parse import parse

DESCRIPTION = """Check your answer to an exercise of the course: a file that defines a function of the exercise's name.

  mutoscope learn check                                  the exercises
  mutoscope learn check unpatchify                       what is to be written
  mutoscope learn check unpatchify --start my.py         a file to begin with
  mutoscope learn check unpatchify my.py                 is it right?"""

WRONG = 1


class CheckOptions(Config):
    """Which exercise, and the answer."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="[NAME]")] = ""
    """Exercise; none = list them."""
    file: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[FILE]")] = None
    """Your Python file; none = show what is to be written."""
    start: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write what to begin with into a new file."""
    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object, for scripts."""


def run(args: list[str]) -> int:
    """The verb's action. Exit code 1 where the answer is not right."""
    options = parse(CheckOptions, args, "mutoscope learn check", DESCRIPTION)
    if not options.name:
        print("\n".join(f"{one.name:<22} chapter {one.chapter}  {one.title}" for one in exercises().values()))
        return 0
    if options.name not in exercises():
        hint = suggestion(options.name, exercises())
        raise ValueError(f"there is no exercise {options.name!r}.{hint} There are: {', '.join(exercises())}.")
    exercise = exercises()[options.name]
    if options.start:
        _begin(exercise, options.start)
        return 0
    if options.file is None:
        print(f"{exercise.title}\n\n{exercise.statement}\n\nBegin with (--start FILE writes it):\n\n{exercise.starter}")
        return 0
    verdict = check(exercise.name, _source(options.file))
    print(json.dumps(asdict(verdict)) if options.as_json else str(verdict))
    return 0 if verdict.right else WRONG


def _begin(exercise: Exercise, file: Path) -> None:
    if file.exists():
        raise ValueError(f"{file} is there already. Name another file, or remove it.")
    file.write_text(exercise.starter)
    print(f"{file}: write the body, then: mutoscope learn check {exercise.name} {file}")


def _source(file: Path) -> str:
    if not file.exists():
        raise ValueError(f"there is no file {file}. --start {file} writes one to begin with.")
    if not file.is_file():
        raise ValueError(f"{file} is no file that can be read, but a folder or a device.")
    if file.suffix == ".ipynb":
        raise ValueError(
            f"{file} is a notebook: copy the cell with your function into a .py file, or use %%check in it."
        )
    if file.stat().st_size > LARGEST:
        raise ValueError(
            f"{file} is {file.stat().st_size:,} bytes long; {LARGEST:,} are read at most. Is it the right file?"
        )
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is no text in UTF-8. Is it the right file? If so, save it as UTF-8.") from error
