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


ROOT = COURSE.parent
MEASURED = [ROOT / "docs" / "experiments.md", ROOT / "README.md"]
COMMAND = re.compile(r"`(mutoscope compare [^`]+|python benchmarks/experiments\.py [^`]+)`")
QUOTED = re.compile(r"(?<![\d.,:-])\d+(?:,\d{3})*(?:\.\d+)?(?= (?:%|dB))")
TUTORIAL = "How many sampling steps each needs"  # a second table of the comparison that the README shows


def unsupported(source: str) -> list[str]:
    """Shares and decibels behind a command that the page with that command's table does not hold."""
    parts = [" ".join(part.split()) for page in MEASURED for part in re.split(r"^## ", page.read_text(), flags=re.M)]
    preamble, wrong = parts[0], []
    for _, text in (cell for cell in cells(source) if cell[0] == "markdown"):
        for paragraph in map(" ".join, (part.split() for part in re.split(r"\n\s*\n", text))):
            commands = COMMAND.findall(paragraph)
            if not commands:
                continue
            asked = [entry for command in commands for entry in re.findall(r'"([^"]+)"', command)]
            asked = asked or [re.split(r" --", commands[0])[0].removeprefix("python ")]
            known = [part for part in parts if all(entry in part for entry in asked)]
            known += [part for part in parts if part.startswith(TUTORIAL)] if "disc_conv3d" in commands[0] else []
            if "experiments.py" in commands[0]:
                known = [part for part in parts if part.lower().startswith(commands[0].split()[-1])]
            if not known:
                wrong.append(f"no table for {commands[0]}")
            for number in QUOTED.findall(MARK.sub("", COMMAND.sub("", paragraph))):
                if not any(re.search(rf"(?<![\d.]){number}(?![\d.]\d)", part) for part in [preamble, *known]):
                    wrong.append(f"{number}: not in the table of {commands[0]}")
    return wrong


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_numbers_behind_a_command_are_those_of_its_table(chapter: Path) -> None:
    assert unsupported(chapter.read_text()) == []


def test_a_number_that_its_table_does_not_hold_is_seen() -> None:
    told = 'With 0.1 the area is right in {} (`mutoscope compare disc_dit "disc_dit --vae.kl-weight 0.1"`).'
    chapter = "# %% [markdown]\n# # Chapter 1: Title\n#\n# "
    assert unsupported(chapter + told.format("71 % of the videos")) == []
    assert unsupported(chapter + told.format("72 %"))[0].startswith("72: not in the table")
    assert unsupported(chapter + told.format("71 %").replace("kl-weight", "xl-weight"))[0].startswith("no table for")
