"""The interactive figures: a file each, found and read without running it, so that a list of them loads no torch.

A file's docstring is title and what there is to see. `SLIDER` says what is moved, `ASKS` whether the figure is about a
clip or about a prompt, `READ` where the course explains it: (chapter, section). `draw` computes every position.
"""

import ast
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..figure import Draw

HERE = Path(__file__).parent
ORDER = ("noise", "walk", "beta", "words", "guidance", "steps")
"""As a clip meets them."""


@dataclass(frozen=True)
class Figure:
    """One figure, before it is computed."""

    name: str
    title: str
    text: str
    slider: str
    asks: str
    """"clip" or "prompt"."""
    read: tuple[str, str]


@cache
def figures() -> dict[str, Figure]:
    """All of them by name."""
    return {name: _read(HERE / f"{name}.py") for name in ORDER}


def draw_of(name: str) -> "Draw":
    """What computes a figure. Loads torch."""
    return import_module(f".{name}", __package__).draw


def _read(file: Path) -> Figure:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    told: dict[str, Any] = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("SLIDER", "ASKS", "READ")
    }
    title, _, text = (ast.get_docstring(tree) or "").partition("\n")
    return Figure(file.stem, title.rstrip("."), text.strip(), told["SLIDER"], told["ASKS"], told["READ"])
