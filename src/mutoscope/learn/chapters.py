"""The chapters, as they are written: Python files in jupytext's percent format."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import suggestion

CHECKOUT = Path(__file__).parents[3] / "course"
INSTALLED = Path(__file__).parent / "chapters"
NEEDED = "pip install 'mutoscope[course]'"


@dataclass(frozen=True)
class Chapter:
    """A file, and the notebook it becomes."""

    name: str
    """3_latents_and_text."""
    title: str
    notebook: Any
    """Of nbformat: cells with cell_type, source and, once run, outputs."""

    @property
    def sections(self) -> list[tuple[str, str]]:
        """(anchor, title) of every section, in order."""
        found = [line[3:].strip() for cell in self._prose for line in cell.splitlines() if line.startswith("## ")]
        return [(anchor(title), title) for title in found]

    @property
    def _prose(self) -> list[str]:
        return [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]


def anchor(title: str) -> str:
    """What a link to a section ends with."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def chapter_names() -> list[str]:
    """In their order."""
    folder = CHECKOUT if CHECKOUT.is_dir() else INSTALLED
    return sorted(file.stem for file in folder.glob("[0-9]_*.py"))


def read_chapters() -> list[Chapter]:
    """All of them. ValueError where what reads them is not installed."""
    return [read_chapter(name) for name in chapter_names()]


def read_chapter(name: str) -> Chapter:
    """ValueError where there is none of that name, or where what reads it is not installed."""
    if name not in chapter_names():
        known = ", ".join(chapter_names())
        raise ValueError(f"there is no chapter {name!r}.{suggestion(name, chapter_names())} There are: {known}.")
    try:
        import jupytext
    except ImportError as error:
        raise ValueError(f"chapters need a few packages more: {NEEDED}") from error
    folder = CHECKOUT if CHECKOUT.is_dir() else INSTALLED
    notebook = jupytext.read(folder / f"{name}.py")
    first = notebook.cells[0].source.splitlines()[0]
    if not first.startswith("# "):
        raise ValueError(f"{name}.py has to begin with a title, `# Chapter …`; it begins with {first!r}.")
    return Chapter(name, first[2:].strip(), notebook)
