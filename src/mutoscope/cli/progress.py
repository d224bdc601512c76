"""Progress of long work: bars on a terminal, a line every few seconds elsewhere, and the same lines in log.txt."""

import math
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from ..words import duration, rate, size

if TYPE_CHECKING:
    from ..training.throughput import Speed

LINE_EVERY_S = 10.0
RATE_OVER_S = 20.0  # the rate shown is that of the last seconds: sampling and checkpoints make steps uneven

TITLES = {"vae": "VAE", "encode": "encoding clips", "diffusion": "diffusion"}
UNITS = {"vae": "steps/s", "diffusion": "steps/s", "encode": "clips/s", "sampling": "steps/s"}


def in_words(speed: "Speed") -> str:
    """71 clips/s, 182 GFLOP/s (MFU 0.49), data 1 %, 1.2 GB."""
    return (
        f"{speed.examples_per_s:.3g} clips/s, {rate(speed.flops_per_s)} (MFU {speed.mfu:.2f}), "
        f"data {speed.data_wait:.0%}, {size(round(speed.memory_mb * 2**20))}".replace("%", " %")
    )


class RunLog:
    """log.txt of a folder: dated lines, appended. The folder is made by whoever owns it."""

    def __init__(self, path: Path | None):
        self._path = path

    def write(self, line: str) -> None:
        """Append a line; a full disk must not hide the error that is being logged."""
        if self._path is not None and self._path.parent.is_dir():
            with suppress(OSError), self._path.open("a") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n")


class Rate:
    """Steps per second over the last `RATE_OVER_S` seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def update(self, now: float, step: int) -> float | None:
        """Count; None until two steps were seen."""
        if not self._seen or now > self._seen[-1][0]:
            self._seen.append((now, step))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        (then, first), (latest, last) = self._seen[0], self._seen[-1]
        return (last - first) / (latest - then) if last > first else None


class Progress:
    """`with Progress(log) as progress: progress.update(stage, step, steps, loss)`; everything goes to stderr."""

    def __init__(self, log: RunLog | None = None, console: Console | None = None):
        self.console = console or Console(stderr=True, highlight=False)
        self._log = log or RunLog(None)
        self._columns = [TextColumn("{task.fields[" + name + "]}") for name in ("rate", "eta", "loss", "speed")]
        self._bars = Bars(
            TextColumn("{task.description:<14}"),
            BarColumn(30),
            MofNCompleteColumn(),
            *self._columns,
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._rates: dict[str, Rate] = {}
        self._speeds: dict[str, str] = {}
        self._line_at = -math.inf

    def __enter__(self) -> "Progress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def update(self, stage: str, step: int, steps: int, loss: float = math.nan) -> None:
        """`step` of `steps` of a stage is done; a loss of NaN is not shown."""
        now = time.monotonic()
        if stage not in self._tasks:
            task = self._bars.add_task(TITLES.get(stage, stage), total=steps, rate="", eta="", loss="", speed="")
            self._tasks[stage], self._rates[stage], self._line_at = task, Rate(), -math.inf
        rate = self._rates[stage].update(now, step)
        shown = {
            "rate": f"{rate:.3g} {UNITS.get(stage, '/s')}" if rate else "",
            "eta": f"{duration((steps - step) / rate)} left" if rate and step < steps else "",
            "loss": "" if math.isnan(loss) else f"loss {loss:.4g}",
            "speed": self._speeds.get(stage, ""),
        }
        self._bars.update(self._tasks[stage], completed=step, total=steps)
        self._bars.tasks[self._tasks[stage]].fields.update(shown)
        if now - self._line_at >= LINE_EVERY_S or step == steps:
            self._line_at = now
            words = [f"{TITLES.get(stage, stage)} {step}/{steps}", *(text for text in shown.values() if text)]
            self._say(", ".join(words), on_terminal=False)

    def speed(self, stage: str, speed: "Speed") -> None:
        """Shown with the updates of the stage from now on."""
        self._speeds[stage] = in_words(speed)

    def note(self, text: str) -> None:
        """One line above the bars."""
        self._say(text, on_terminal=True)

    def _say(self, text: str, on_terminal: bool) -> None:
        self._log.write(text)
        if on_terminal or not self.console.is_terminal:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)
