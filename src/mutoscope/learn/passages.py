"""What can be looked up: sections of the chapters and of the docs, and every public docstring. Imports no torch."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from .chapters import CHECKOUT, anchor, chapter_names, read_chapter
from .quoted import MARK
from .unrun import parsed

PACKAGE = Path(__file__).parents[1]
DOCS = CHECKOUT.parent / "docs" if CHECKOUT.is_dir() else Path(__file__).parent / "docs"
LEFT_OUT = {"log.md"}
"""What was tried and when: nothing that explains."""
Kind = Literal["course", "docs", "code"]


@dataclass(frozen=True)
class Passage:
    """One thing that is found as a whole."""

    kind: Kind
    place: str
    """Chapter 3, docs/studio.md, mutoscope.vae.posterior."""
    title: str
    text: str
    number: str = ""
    """Of a section of the course, as it is cited: 3.4; what stands before the first section is 3.0."""
    link: str = ""
    """3_latents_and_text.html#time-runs-one-way; nothing else has a page."""


@cache
def passages() -> tuple[Passage, ...]:
    """All of them; without the chapters where what reads those is not installed."""
    try:
        course = [section for name in chapter_names() for section in sections(name)]
    except ValueError:
        course = []
    return (*course, *_docs(), *_docstrings())


@cache
def sections(chapter: str) -> tuple[Passage, ...]:
    """A chapter in reading order, its code included. ValueError where there is none of that name."""
    read = read_chapter(chapter)
    which, place = chapter.partition("_")[0], read.title.partition(":")[0]
    titles, texts = [read.title], [""]
    for cell in read.notebook.cells:
        if cell.cell_type == "code":
            texts[-1] += f"\n```python\n{cell.source}\n```\n"
            continue
        for line in MARK.sub(lambda mark: mark["words"], cell.source).splitlines():
            if line.startswith("## "):
                titles.append(line[3:].strip())
                texts.append("")
            elif not line.startswith("# "):
                texts[-1] += f"{line}\n"
        texts[-1] += "\n"
    return tuple(
        Passage(
            "course", place, title, text.strip(), f"{which}.{number}",
            f"{chapter}.html{f'#{anchor(title)}' if number else ''}",
        )
        for number, (title, text) in enumerate(zip(titles, texts, strict=True))
    )  # fmt: skip


def _docs() -> Iterator[Passage]:
    for file in sorted(DOCS.glob("*.md")):
        if file.name in LEFT_OUT:
            continue
        for part in re.split(r"^(?=#{1,3} )", file.read_text(encoding="utf-8"), flags=re.MULTILINE):
            title, _, text = part.partition("\n")
            if text.strip():
                yield Passage("docs", f"docs/{file.name}", title.lstrip("# ").strip(), text.strip())


def _docstrings() -> Iterator[Passage]:
    """Read, not imported: a search must not load torch."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.name.startswith("_") and file.name != "__init__.py":
            continue
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = parsed(file)
        if words := ast.get_docstring(tree):
            yield Passage("code", module, module.rpartition(".")[2], words)
        yield from _inside(tree, module)


def _inside(tree: ast.Module | ast.ClassDef, place: str) -> Iterator[Passage]:
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if words := ast.get_docstring(node):
            yield Passage("code", place, node.name, words)
        if isinstance(node, ast.ClassDef):
            yield from _inside(node, f"{place}.{node.name}")
