"""The exercises: a file each, found and read without running it, so that a list of them loads no torch.

A file's docstring is title and statement; `STARTER` is what the learner begins with. `answer` gives the right answer by
the package's own code, `cases` what it is asked for, `SUSPECTS` the wrong solutions that are recognised, `OUTPUTS` the
axes of what comes out, for messages.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
    tree = ast.parse(file.read_text())
    told = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("STARTER", "CHAPTER")
    }
    title, _, statement = (ast.get_docstring(tree) or "").partition("\n")
    return Exercise(file.stem, told["CHAPTER"], title.rstrip("."), statement.strip(), told["STARTER"].lstrip("\n"))
