"""`mutoscope learn build [CHAPTER …]`: run the chapters, and write them as pages that open offline."""

from pathlib import Path
from typing import Annotated

import tyro

from ..config import Config
from .folders import check_writable
from .parse import parse

DESCRIPTION = """Run the chapters of the course and write each as one page that opens offline, and as a notebook.

  mutoscope learn build                          all of them, into course-pages/
  mutoscope learn build 3_latents_and_text       one of them"""


class BuildOptions(Config):
    """Which chapters, and where to."""

    chapters: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="[CHAPTER …]")] = ()
    """Chapters by name; none = all."""
    out: Path = Path("course-pages")
    """Folder for pages and notebooks; what cells train is in its folder work, and is not trained again."""
    no_run: tyro.conf.FlagCreatePairsOff[bool] = False
    """Only write them, without what their cells show."""


def run(args: list[str]) -> int:
    """The verb's action. Numbers that came out otherwise than the text says are told, here and on the page."""
    options = parse(BuildOptions, args, "mutoscope learn build", DESCRIPTION)
    check_writable(options.out)
    from ..learn.build import build

    found = build(options.chapters, options.out, not options.no_run, print)
    for line in found:
        print(line)
    print(f"open {options.out / 'index.html'}")
    return 0
