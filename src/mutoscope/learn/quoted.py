"""Numbers in the prose of a chapter that a cell of it produces.

A cell says `quote(psnr=32.8)`; the prose says `**32.8 dB**<!-- psnr -->`, the name in a comment that no reader sees.
`<!-- psnr ±1.5 -->` allows for what another machine may give; without it, for what was rounded away.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

MIME = "application/x-mutoscope-quote+json"
MARK = re.compile(r"\*\*(?P<words>[^*\n]*?)\*\*<!--\s*(?P<name>\w+)(?:\s*±\s*(?P<tolerance>[\d.]+))?\s*-->")
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
BOLD = re.compile(r"\*\*(?P<words>[^*\n]+?)\*\*(?P<mark><!--)?")


def quote(**values: float) -> None:
    """Say what a number of the prose has to match. Shows nothing; outside a notebook it does nothing."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is not None:
        display({MIME: {name: float(value) for name, value in values.items()}, "text/plain": ""}, raw=True)


def complaints(cells: Iterable[dict[str, Any]]) -> list[str]:
    """Numbers that do not match what the cells of an executed notebook said, in words; empty where all do."""
    cells = list(cells)
    said: dict[str, float] = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            said |= {name: float(value) for name, value in output.get("data", {}).get(MIME, {}).items()}
    return [
        complaint for cell in cells if cell["cell_type"] == "markdown" for complaint in _wrong(cell["source"], said)
    ]


def _wrong(prose: str, said: dict[str, float]) -> Iterable[str]:
    for mark in MARK.finditer(prose):
        words, name, number = mark["words"], mark["name"], NUMBER.search(mark["words"])
        if number is None:
            yield f"**{words}** is marked as {name}, but holds no number."
        elif name not in said:
            yield f"**{words}** is marked as {name}, but no cell says quote({name}=…)."
        else:
            digits = number[0].replace(",", "")
            decimals = len(digits.partition(".")[2])
            allowed = float(mark["tolerance"]) if mark["tolerance"] else 0.5 * 10**-decimals + 1e-9
            if not math.isfinite(said[name]) or abs(said[name] - float(digits)) > allowed:
                yield f"**{words}**: the cell says {name} = {said[name]:.6g}, more than {allowed:g} away."


def unmarked(prose: str) -> list[str]:
    """Bold numbers that neither a cell nor a command in the same paragraph vouches for."""
    found = []
    for paragraph in re.split(r"\n\s*\n", prose):
        if "`" not in paragraph:
            bold = BOLD.finditer(paragraph)
            found += [one["words"] for one in bold if NUMBER.search(one["words"]) and not one["mark"]]
    return found
