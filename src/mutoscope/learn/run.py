"""Runs a chapter as a notebook: every cell in its own kernel process, timed, its quoted numbers checked."""

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from .chapters import NEEDED, Chapter
from .quoted import complaints

CELL_LIMIT_S = 300
LONGEST_CELL_S = 120.0
"""What a cell may take on two cores; longer is told."""


TERMINAL = re.compile(r"\x1b\[[0-9;]*m")
"""Colours of a terminal."""


class CellFailed(ValueError):
    """A cell raised, or took too long."""


def run_chapter(chapter: Chapter, folder: Path, on_cell: Callable[[], None] = lambda: None) -> tuple[float, list[str]]:
    """Put outputs into the chapter's notebook; seconds it took, and what to complain of.

    folder: where cells write what they train; a chapter that is run again there goes on with it. on_cell: called when a
    cell is done, its outputs in the notebook, also after the one that fails. CellFailed names cell and line.
    """
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError
    except ImportError as error:
        raise ValueError(f"running chapters needs a few packages more: {NEEDED}") from error
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    client = NotebookClient(
        chapter.notebook, timeout=CELL_LIMIT_S, kernel_name="python3", record_timing=True,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors; it warns of its own ports, which are this machine's
        on_cell_executed=lambda **_: on_cell(),
    )  # fmt: skip
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        last = [line for line in TERMINAL.sub("", str(error)).splitlines() if line.strip()][-1]
        raise CellFailed(f"{chapter.name}: {_where(chapter.notebook.cells)}: {last}") from error
    cells = chapter.notebook.cells
    slow = [
        f"cell {number} took {took:.0f} s; {LONGEST_CELL_S:.0f} is the limit."
        for number, cell in enumerate(cells, 1)
        if (took := cell_seconds(cell)) > LONGEST_CELL_S
    ]
    return time.monotonic() - begun, [*complaints(cells), *slow]


def cell_seconds(cell: Any) -> float:
    """How long a cell that was run took; 0 for prose."""
    told = cell.get("metadata", {}).get("execution", {})
    begun, done = told.get("iopub.execute_input"), told.get("shell.execute_reply")
    if not begun or not done:
        return 0.0
    return (_moment(done) - _moment(begun)).total_seconds()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _where(cells: list[Any]) -> str:
    """The cell that failed: the last one that was begun."""
    code = [(number, cell) for number, cell in enumerate(cells, 1) if cell.cell_type == "code" and cell.execution_count]
    if not code:
        return "the first cell"
    number, cell = code[-1]
    return f"cell {number}, which begins with {cell.source.splitlines()[0]!r}"
