"""Another command of this program as a child process: its output in a file, its progress on the screen."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .progress import TITLES
from .stopping import StopSignal

POLL_S = 0.2


@dataclass(frozen=True)
class Ended:
    """How it ended: well, stopped on request (what was done is saved), or for a reason, in one line."""

    stopped: bool = False
    reason: str = ""


def run_child(command: list[str], log: Path, on_progress: Callable[[str], None]) -> Ended:
    """Run `command`, no shell in between, and wait; its output is appended to `log`.

    Ctrl-C reaches the child as one polite request; the second time the child is killed.
    on_progress: called with every line about progress.
    """
    with log.open("ab") as file, StopSignal() as stop:
        begun_at = file.tell()
        # A session of its own: a terminal sends Ctrl-C to whole groups, and the child would count it twice.
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _watch(child, stop, log, begun_at, on_progress)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if stop.asked():
        return Ended(stopped=True)
    return Ended(reason=_reason(child.returncode, log, begun_at) if child.returncode else "")


def _watch(
    child: subprocess.Popen[bytes], stop: StopSignal, log: Path, begun_at: int, on_progress: Callable[[str], None]
) -> None:
    asked, shown = False, 0
    while True:
        ended = child.poll() is not None
        lines = [line for line in _lines(log, begun_at) if line.startswith(tuple(f"{t} " for t in TITLES.values()))]
        for line in lines[shown:]:
            on_progress(line)
        shown = len(lines)
        if ended:
            return
        if stop.asked() and not asked:
            asked = True
            child.send_signal(signal.SIGINT)
        time.sleep(POLL_S)


def _lines(log: Path, begun_at: int) -> list[str]:
    """Whole lines of this run of the child; the file is short."""
    with log.open("rb") as file:
        file.seek(begun_at)
        return [line.rstrip() for line in file.read().decode(errors="replace").split("\n")[:-1]]


def _reason(code: int, log: Path, begun_at: int) -> str:
    if code < 0:
        return f"killed by signal {-code}" + (", perhaps because memory was full" if code == -signal.SIGKILL else "")
    lines = [line for line in _lines(log, begun_at) if line]
    said = next((line.removeprefix("mutoscope: ") for line in reversed(lines) if line.startswith("mutoscope: ")), None)
    return said or (lines[-1] if lines else f"exit code {code}, see {log}")
