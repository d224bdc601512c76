"""The exercises: a file each, found and read without running it, so that a list of them loads no torch.

A file's docstring is title and statement; `STARTER` is what the learner begins with. `answer` gives the right answer by
the package's own code, `cases` what it is asked for, `SUSPECTS` the wrong solutions that are recognised, `OUTPUTS` the
axes of what comes out, for messages.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..unrun import constants, parsed, title_and_text

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Exercise:
    """One exercise, as it is put to the learner."""

    name: str
    chapter: int
    title: str
    statement: str
    starter: str


@cache
def exercises() -> dict[str, Exercise]:
    """All of them by name, in the order of the chapters."""
    found = [_read(file) for file in sorted(HERE.glob("*.py")) if file.name != "__init__.py"]
    return {one.name: one for one in sorted(found, key=lambda one: (one.chapter, one.name))}


def _read(file: Path) -> Exercise:
    tree = parsed(file)
    chapter, starter = constants(tree, "CHAPTER", "STARTER")
    return Exercise(file.stem, chapter, *title_and_text(tree), starter.lstrip("\n"))
