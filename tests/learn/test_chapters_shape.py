"""The chapters as texts: they parse, prose comes before code, what they import exists. Nothing is run."""

import ast
import importlib
import re
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2] / "course"
CHAPTERS = sorted(COURSE.glob("*.py"))
LONGEST_CELL = 40  # lines of code
MARK = re.compile(r"\*\*([^*\n]+)\*\*<!--\s*(\w+)(?:\s*±\s*[\d.]+)?\s*-->")


def cells(source: str) -> list[tuple[str, str]]:
    """(kind, text) of the cells of a py:percent file, markdown without its comment marks."""
    found = []
    for part in re.split(r"^# %%(?!%)(?= |$)", source, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        if "[markdown]" in head:
            found.append(("markdown", re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip()))
        else:
            found.append(("code", body.strip()))
    return found


def sections(source: str) -> list[list[tuple[str, str]]]:
    """Cells by section; the first is what stands before the first `##`."""
    found: list[list[tuple[str, str]]] = [[]]
    for kind, text in cells(source):
        if kind == "markdown" and text.startswith("## "):
            found.append([])
        found[-1].append((kind, text))
    return found


def complaints(source: str) -> list[str]:
    """What is wrong with the shape of a chapter."""
    wrong, first = [], cells(source)[0]
    if first[0] != "markdown" or not re.match(r"# Chapter [123]: ", first[1]):
        wrong.append("it does not begin with its title")
    if not re.search(r"\b\d+ minutes\b", first[1]):
        wrong.append("its first cell does not say how many minutes it takes")
    for section in sections(source):
        if section[0][0] != "markdown" or len(section[0][1].splitlines()) < 2:
            wrong.append(f"no prose before the code of {section[0][1].splitlines()[0]!r}")
    for kind, text in cells(source):
        if kind == "code" and len(text.splitlines()) > LONGEST_CELL:
            wrong.append(f"a cell of {len(text.splitlines())} lines: {text.splitlines()[0]!r}")
        if text.count("<details>") != text.count("</details>"):
            wrong.append(f"an answer that is not closed: {text.splitlines()[0]!r}")
    return wrong + _unmatched(source)


def _unmatched(source: str) -> list[str]:
    """Numbers marked in prose that no cell says, and the reverse."""
    marked = {mark[2] for kind, text in cells(source) if kind == "markdown" for mark in MARK.finditer(text)}
    said = {
        keyword.arg
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "quote"
        for keyword in node.keywords
    }
    return [f"{name!r} is marked or said, but not both" for name in sorted(marked ^ said, key=str)]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda file: file.stem)
def test_a_chapter_has_its_shape(chapter: Path) -> None:
    assert complaints(chapter.read_text()) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda file: file.stem)
def test_what_it_imports_of_the_package_exists(chapter: Path) -> None:
    for node in ast.walk(ast.parse(chapter.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mutoscope"):
            module = importlib.import_module(node.module or "")
            for name in node.names:
                assert hasattr(module, name.name), f"{node.module} has no {name.name}"


def test_all_three_are_there() -> None:
    assert [int(chapter.stem[0]) for chapter in CHAPTERS] == [1, 2, 3]


GOOD = """# %% [markdown]
# # Chapter 1: Title
#
# 30 minutes

# %% [markdown]
# ## Section
#
# Prose: **1**<!-- one -->.

# %%
quote(one=1)
"""


@pytest.mark.parametrize(
    "before, after, found",
    [
        ("# # Chapter 1: Title", "# # Title", "title"),
        ("30 minutes", "a while", "minutes"),
        ("# ## Section\n#\n# Prose: **1**<!-- one -->.", "# ## Section", "no prose"),
        ("quote(one=1)", "quote(two=1)", "not both"),
        ("quote(one=1)", "quote(one=1)\n" + "x = 1\n" * 40, "41 lines"),
        ("# Prose: ", "# <details> ", "not closed"),
    ],
)
def test_a_fault_is_seen(before: str, after: str, found: str) -> None:
    assert complaints(GOOD) == []
    assert any(found in complaint for complaint in complaints(GOOD.replace(before, after)))
