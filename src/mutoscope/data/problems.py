"""What a person should know about a folder of clips before training on it."""

import os
from collections import Counter
from collections.abc import Iterable

from ..config import Config


class Problem(Config):
    """One thing that is wrong, or only odd, about one file."""

    file: str
    """Relative to the folder that was looked at."""
    reason: str
    """One to three words to count by: `cut off`, `no caption`, `same content` …"""
    words: str
    """What exactly, and what to do; goes on after the file's name."""
    kept: bool
    """Whether the clip is in the manifest nevertheless."""


def by_reason(problems: Iterable[Problem]) -> dict[str, int]:
    """How many of each reason, the most frequent first."""
    return dict(Counter(problem.reason for problem in problems).most_common())


def shown(name: str | os.PathLike[str]) -> str:
    """A file name in one readable line: line breaks and bytes that are no text are spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(name))
