"""Commands of this program as jobs: argument lists, never a shell. What they write goes into their run folder."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..errors import INTERRUPTED
from ..training.config import RunConfig
from .jobs import Job, Jobs, State
from .workspace import Workspace

POLL_S = 0.2
PROGRAM = [sys.executable, "-m", "mutoscope"]
OUTPUT = "output.txt"


def options_of(recipe: RunConfig, wanted: RunConfig) -> list[str]:
    """What to type behind a recipe to get these settings: `--training.steps 500 --vae.no-memory`."""
    return _options(recipe, wanted, "")


def _options(before: BaseModel, after: BaseModel, prefix: str) -> list[str]:
    found: list[str] = []
    for name in type(after).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        option = prefix + name.replace("_", "-")
        if isinstance(new, BaseModel) and type(old).__name__ == type(new).__name__:
            found += _options(old, new, f"{option}.")
        elif old == new:
            continue
        elif isinstance(new, bool):
            head, _, leaf = option.rpartition(".")
            found.append(f"--{head}{'.' if head else ''}{'' if new else 'no-'}{leaf}")
        else:
            found += [f"--{option}", *_words(new)]
    return found


def _words(value: Any) -> list[str]:
    """A value as the command line reads it."""
    if isinstance(value, tuple):
        return [word for part in value for word in _words(part)]
    return [repr(value) if isinstance(value, float) else str(value)]


def typed(args: list[str]) -> str:
    """What a person would type."""
    return shlex.join(["mutoscope", *args])


def run_command(job: Job, jobs: Jobs, workspace: Workspace, leaving: threading.Event) -> tuple[State, str]:
    """Run `mutoscope ARGS` in the workspace and wait. Asked to stop, it saves and leaves; asked twice, it is killed."""
    folder = workspace.job_folder(job.id)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / OUTPUT).open("ab") as output:
        begun_at = output.tell()
        # A session of its own: Ctrl-C in the terminal of the server must not reach it twice.
        child = subprocess.Popen(
            [*PROGRAM, *job.payload["args"]],
            cwd=workspace.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        asked = _wait(child, job, jobs, leaving)
    if asked == "kill":
        return "interrupted", "stopped without saving; it goes on from its last checkpoint"
    if asked and child.returncode == -signal.SIGTERM:
        return "interrupted", "stopped while it was starting"
    if asked and child.returncode == INTERRUPTED:
        return "interrupted", "stopped"
    if child.returncode:
        return "failed", _reason(folder / OUTPUT, begun_at, child.returncode)
    if leaving.is_set():
        return "interrupted", "the studio was closed; saved"
    return ("interrupted", "paused; saved") if asked == "stop" else ("done", "")


def _wait(child: subprocess.Popen[bytes], job: Job, jobs: Jobs, leaving: threading.Event) -> str:
    """Until the child has ended; what it was asked."""
    asked = ""
    while True:
        try:
            child.wait(POLL_S)
            return asked
        except subprocess.TimeoutExpired:
            wish = jobs.get(job.id).asked
            if wish == "kill" and asked != "kill":
                child.kill()
                asked = "kill"
            elif (wish == "stop" or leaving.is_set()) and not asked:
                child.send_signal(signal.SIGTERM)
                asked = "stop"


def _reason(output: Path, begun_at: int, code: int) -> str:
    """The line in which the command says what was wrong."""
    with output.open("rb") as file:
        file.seek(begun_at)
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    if code < 0:
        return f"killed by signal {-code}" + (", perhaps because memory was full" if code == -signal.SIGKILL else "")
    said = next((line for line in reversed(lines) if line.startswith("mutoscope: ")), lines[-1] if lines else "")
    return said.removeprefix("mutoscope: ") or f"exit code {code}"
