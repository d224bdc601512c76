"""Runs a chapter as a notebook: every cell in its own kernel process, timed, its quoted numbers checked."""

import asyncio
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
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
    KeyboardInterrupt where it is asked to stop, also by SIGTERM; the cells' process has ended by then.
    """
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ImportError as error:
        raise ValueError(f"running chapters needs a few packages more: {NEEDED}") from error
    asked: list[bool] = []

    async def stoppable(notebook: Any) -> None:
        """Let signals end all of it; nbclient's own handlers end the cells' process and then stumble over that."""
        running = asyncio.current_task()

        def stop() -> None:
            asked.append(True)
            if running is not None:
                running.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(RuntimeError, NotImplementedError):  # not in the main thread; on Windows
                asyncio.get_running_loop().add_signal_handler(number, stop)

    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    client = NotebookClient(
        chapter.notebook, timeout=CELL_LIMIT_S, kernel_name="python3", record_timing=True,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.log_level=50"],  # what it says of its ports and its end, nobody needs
        on_cell_executed=lambda **_: on_cell(), on_notebook_start=stoppable,
    )  # fmt: skip
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        last = [line for line in TERMINAL.sub("", str(error)).splitlines() if line.strip()][-1]
        raise CellFailed(f"{chapter.name}: {_where(chapter.notebook.cells)}: {last}") from error
    except (DeadKernelError, asyncio.CancelledError) as error:
        if asked:
            raise KeyboardInterrupt from None
        why = "its process ended, perhaps because memory was full."
        raise CellFailed(f"{chapter.name}: {_where(chapter.notebook.cells)}: {why}") from error
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
    code = [(number, cell) for number, cell in enumerate(cells, 1) if "execution" in cell.metadata]
    if not code:
        return "the first cell"
    number, cell = code[-1]
    return f"cell {number}, which begins with {cell.source.splitlines()[0]!r}"
