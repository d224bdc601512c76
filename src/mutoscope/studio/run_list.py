"""What the pages say about runs, read from their folders. A run that has not changed is not read again."""

import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic_core import from_json, to_json

from .. import __version__
from ..files import whole_file
from ..training.checkpoint_files import CHECKPOINTS
from ..training.config import RunConfig
from ..training.lock import in_use_by
from ..training.metric_log import METRICS
from ..training.run_folder import find_runs, reached, read_config, read_prompts
from ..training.summary import SUMMARY, Summary, finished
from .measures import measures
from .metrics import Row, newest
from .workspace import Workspace

WATCHED = ("config.json", METRICS, SUMMARY, "evaluation.json", CHECKPOINTS, "model", "samples")
HEADLINES = {"adherence.all.all_correct": "as asked", "both": "both as asked", "followed": "as asked"}
WORTH_KEEPING = 50  # rows that were read anew
Marks = list[list[int] | None]
STEP = re.compile(r"step-(\d+)\.png")


class RunList:
    """The runs of a workspace. Of many, what was read is kept on the disk, so that the next studio opens as fast."""

    def __init__(self, workspace: Workspace):
        self._workspace, self._kept = workspace, workspace.own / "runs.json"
        self._lock = Lock()
        self._known: dict[str, tuple[Marks, dict[str, Any]]] = _read_kept(self._kept)

    def all(self) -> list[dict[str, Any]]:
        """The one that changed last comes first."""
        folders = find_runs(self._workspace.runs)
        with self._lock:  # pages ask at the same time
            before, found = self._known, [self._known_row(folder) for folder in folders]
            self._known = {row["id"]: (marks, row) for marks, row in found}
            read = sum(before.get(name, (None, None))[1] is not row for name, (_, row) in self._known.items())
            if read >= WORTH_KEEPING:
                with suppress(OSError), whole_file(self._kept) as half:
                    half.write_bytes(to_json({"version": __version__, "rows": self._known}))
        told = [_as_of_now(folder, row) for folder, (_, row) in zip(folders, found, strict=True)]
        return sorted(told, key=lambda row: row["changed"], reverse=True)

    def one(self, run: Path) -> dict[str, Any]:
        """A row of the list."""
        return _as_of_now(run, self._known_row(run)[1])

    def _known_row(self, run: Path) -> tuple[Marks, dict[str, Any]]:
        marks, name = _marks(run), self._workspace.name_of(run)
        known = self._known.get(name)
        if known is None or known[0] != marks:
            return marks, _read(run) | {"id": name, "changed": _changed(marks)}
        return known


def _as_of_now(run: Path, row: dict[str, Any]) -> dict[str, Any]:
    """A row, and who trains there at this moment."""
    user = in_use_by(run)
    return {**row, "state": "training" if user and not row["problem"] else row["state"], "in_use_by": user}


def _read_kept(file: Path) -> "dict[str, tuple[Marks, dict[str, Any]]]":
    """What another studio of this version has left; nothing where there is none."""
    try:
        told = from_json(file.read_bytes())
        if told["version"] != __version__:
            return {}
        return {name: (marks, row) for name, (marks, row) in told["rows"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _marks(run: Path) -> Marks:
    """Change with every file that a row is read from."""
    found: Marks = []
    for name in WATCHED:
        try:
            about = os.stat(f"{run}/{name}")
            found.append([about.st_mtime_ns, about.st_size])
        except OSError:
            found.append(None)
    return found


def _read(run: Path) -> dict[str, Any]:
    row: dict[str, Any] = {
        "state": "unreadable", "stage": None, "step": 0, "steps": 0, "seconds": 0.0, "curve": [], "loss": None,
        "quality": None, "problem": None, "prompts": [], "has_model": False,
    }  # fmt: skip
    try:
        config = read_config(run)
        summary = Summary(run / SUMMARY)
        last, curve = newest(run / METRICS)
        row |= _where(config, run, last)
        row |= {
            "state": "finished" if finished(config, run, summary) else "paused",
            "seconds": _seconds(summary, last),
            "curve": curve,
            "quality": quality(run),
            "prompts": read_prompts(run) or list(config.sample_prompts),
            "has_model": (run / "model").is_dir(),
        }
    except (OSError, ValueError) as error:
        from ..errors import one_line

        row["problem"] = one_line(error)
    return row


def _where(config: RunConfig, run: Path, last: Row | None) -> dict[str, Any]:
    """Stage and step: of the newest line of the log, or of the newest checkpoint where there is no log."""
    if last is not None:
        steps = {name: stage.steps for name, stage in config.stages.items()}.get(last["stage"], 0)
        return {"stage": last["stage"], "step": last["step"], "steps": steps, "loss": last["loss"]}
    there = reached(config, run)
    return {} if there is None else {"stage": there.stage, "step": there.step, "steps": there.steps}


def _seconds(summary: Summary, last: Row | None) -> float:
    """Of training, all stages: those that are done, and the last one up to its last line."""
    stages = {name: stage.get("seconds", 0.0) for name, stage in summary.values.get("stages", {}).items()}
    if last is not None and last["stage"] not in stages:
        stages[last["stage"]] = last.get("seconds") or 0.0
    return float(sum(stages.values()))


def quality(run: Path) -> dict[str, Any] | None:
    """The one share of evaluation.json that says most, with its ceiling; None where nothing was measured."""
    try:
        told = measures(from_json((run / "evaluation.json").read_bytes()))
    except (OSError, ValueError):
        return None
    name = next((name for name in HEADLINES if name in told), None)
    return None if name is None else {"name": HEADLINES[name], **told[name]}


def samples(run: Path) -> list[dict[str, Any]]:
    """Pictures and videos made while the model was trained, by step."""
    found = []
    for file in sorted((run / "samples").glob("step-*.png")):
        if match := STEP.fullmatch(file.name):
            video = file.with_suffix(".webp")
            moving = f"samples/{video.name}" if video.is_file() else None
            found.append({"step": int(match[1]), "sheet": f"samples/{file.name}", "video": moving})
    return found


def command_of(run: Path) -> str | None:
    """What was typed last to train this run: the last such line of log.txt."""
    try:
        lines = (run / "log.txt").read_text(errors="replace").splitlines()
    except OSError:
        return None
    typed = (line.partition("  ")[2] for line in reversed(lines))
    return next((line for line in typed if line.startswith(("mutoscope train ", "torchrun "))), None)


def process_of(run: Path) -> int | None:
    """The process of this machine that trains a run; None where nobody does, or somebody elsewhere."""
    import socket

    match = re.fullmatch(r"process (\d+) on (.*)", in_use_by(run) or "")
    return int(match[1]) if match and match[2] == socket.gethostname() else None


def _changed(marks: Marks) -> str:
    times = [mark[0] for mark in marks if mark]
    return datetime.fromtimestamp(max(times, default=0) / 1e9).astimezone().isoformat(timespec="seconds")
