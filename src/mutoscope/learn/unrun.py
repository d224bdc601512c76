"""Python files that are read without being run: what they say of themselves, without loading what they need."""

import ast
from pathlib import Path
from threading import Lock
from typing import Any

_parsing = Lock()


def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file. Safe from several threads: in Python 3.11 two that parse at once can raise SystemError
    (the depth of nesting is counted for both together).
    """
    text = file.read_text(encoding="utf-8")
    with _parsing:
        return ast.parse(text)


def title_and_text(tree: ast.Module) -> tuple[str, str]:
    """A docstring's first line, without its full stop, and what follows."""
    title, _, text = (ast.get_docstring(tree) or "").partition("\n")
    return title.rstrip("."), text.strip()


def constants(tree: ast.Module, *names: str) -> list[Any]:
    """Values of names that are assigned once at the top level, as literals. KeyError where one is missing."""
    found = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return [ast.literal_eval(found[name]) for name in names]
