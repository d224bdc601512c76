"""`mutoscope learn narrate [CHAPTER …]`: the chapters as audio files."""

from pathlib import Path
from typing import Annotated

import tyro

from ..config import Config
from ..learn.narrate import COMMAND
from .folders import check_writable
from .parse import parse

DESCRIPTION = """Read the chapters of the course aloud into audio files, one for every section. Formulas become
words, code is left out.

  mutoscope learn narrate
  mutoscope learn narrate 3_latents_and_text --command "piper --input-file {text} --output_file {audio}" """


class NarrateOptions(Config):
    """Which chapters, where to, and whose voice."""

    chapters: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="[CHAPTER …]")] = ()
    """Chapters by name; none = all."""
    out: Path = Path("course-audio")
    """Folder for audio files, with the text of each beside it."""
    command: str = COMMAND
    """Program that reads the file {text} into the file {audio}."""


def run(args: list[str]) -> int:
    """The verb's action."""
    options = parse(NarrateOptions, args, "mutoscope learn narrate", DESCRIPTION)
    check_writable(options.out)
    from ..learn.narrate import narrate

    narrate(options.chapters, options.out, options.command, print)
    return 0
