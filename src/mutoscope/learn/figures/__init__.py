"""The interactive figures: a file each, found and read without running it, so that a list of them loads no torch.

A file's docstring is title and what there is to see. `SLIDER` says what is moved, `ASKS` whether the figure is about a
clip or about a prompt, `READ` where the course explains it: (chapter, section). `draw` computes every position.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..unrun import constants, parsed, title_and_text

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
    tree = parsed(file)
    return Figure(file.stem, *title_and_text(tree), *constants(tree, "SLIDER", "ASKS", "READ"))
