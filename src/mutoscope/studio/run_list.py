"""What the pages say about runs, read from their folders. A run that has not changed is not read again."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from ..training.checkpoint_files import CHECKPOINTS
from ..training.config import RunConfig
from ..training.lock import in_use_by
from ..training.metric_log import METRICS
from ..training.run_folder import find_runs, reached, read_config
from ..training.summary import SUMMARY, Summary, finished, stage_seconds
from .workspace import Workspace

SPARKS = 48  # points of the small curve
WATCHED = ("config.json", METRICS, SUMMARY, "evaluation.json", CHECKPOINTS, "model", "samples")
STEP = re.compile(r"step-(\d+)\.png")


class RunList:
    """The runs of a workspace."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace
        self._known: dict[Path, tuple[tuple, dict[str, Any]]] = {}

    def all(self) -> list[dict[str, Any]]:
        """The one that changed last comes first."""
        folders = find_runs(self._workspace.runs)
        self._known = {folder: self._known[folder] for folder in folders if folder in self._known}
        found = [self.one(folder) for folder in folders]
        return sorted(found, key=lambda row: row["changed"], reverse=True)

    def one(self, run: Path) -> dict[str, Any]:
        """A row of the list."""
        marks = _marks(run)
        if run not in self._known or self._known[run][0] != marks:
            self._known[run] = (marks, _read(run) | {"id": self._workspace.name_of(run)})
        row = self._known[run][1]
        user = in_use_by(run)
        state = "training" if user and not row["problem"] else row["state"]
        return {**row, "state": state, "in_use_by": user}


def _marks(run: Path) -> tuple:
    """Change with every file that a row is read from."""
    found = []
    for name in WATCHED:
        try:
            about = (run / name).stat()
            found.append((about.st_mtime_ns, about.st_size))
        except OSError:
            found.append(None)
    return tuple(found)


def _read(run: Path) -> dict[str, Any]:
    row: dict[str, Any] = {
        "state": "unreadable", "stage": None, "step": 0, "steps": 0, "seconds": 0.0, "curve": [], "loss": None,
        "quality": None, "problem": None, "changed": _changed(run), "prompts": [], "has_model": False,
    }  # fmt: skip
    try:
        config = read_config(run)
        done = finished(config, run, Summary(run / SUMMARY))
        rows = metric_rows(run / METRICS)
        row |= _where(config, run, rows, done)
        row |= {
            "state": "finished" if done else "paused",
            "seconds": stage_seconds(run),
            "curve": _curve(rows),
            "quality": quality(run),
            "prompts": list(config.sample_prompts),
            "has_model": (run / "model").is_dir(),
        }
    except (OSError, ValueError) as error:
        from ..errors import one_line

        row["problem"] = one_line(error)
    return row


def _where(config: RunConfig, run: Path, rows: list[dict[str, Any]], done: bool) -> dict[str, Any]:
    """Stage and step: of the newest line of the log, or of the newest checkpoint where there is no log."""
    if rows:
        last = rows[-1]
        stages = {name: stage.steps for name, stage in config.stages.items()}
        steps = stages.get(last["stage"], 0)
        return {"stage": last["stage"], "step": last["step"], "steps": steps, "loss": last["loss"]}
    there = reached(config, run)
    return {} if there is None else {"stage": there.stage, "step": there.step, "steps": there.steps}


def metric_rows(path: Path, after: int = 0) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl from a byte on; a line that is being written is left out."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(after)
        data = file.read()
    found = []
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        try:
            row = json.loads(line)
            whole = isinstance(row["step"], int) and isinstance(row["loss"], float | int) and row["stage"]
        except (ValueError, KeyError, TypeError):  # cut short by a kill
            continue
        if whole:
            found.append(row)
    return found


def columns(path: Path, after: int = 0) -> dict[str, Any]:
    """Metrics by stage and name, for curves, and the byte to go on from. JSON knows no NaN and no infinity: None."""
    if not path.is_file():
        return {"stages": {}, "next": 0, "restart": after > 0}
    size = path.stat().st_size
    restart = size < after  # the run went back behind what was shown
    rows = metric_rows(path, 0 if restart else after)
    stages: dict[str, dict[str, list]] = {}
    for row in rows:
        stage = stages.setdefault(row.pop("stage"), {})
        count = len(stage.get("step", []))
        for name in {*stage, *row}:
            value = row.get(name)
            number = value if isinstance(value, int | float) and abs(value) < float("inf") else None
            stage.setdefault(name, [None] * count).append(number)
    with path.open("rb") as file:
        text = file.read(size)
    return {"stages": stages, "next": text.rfind(b"\n") + 1, "restart": restart}


def _curve(rows: list[dict[str, Any]]) -> list[float]:
    """The loss of the last stage, thinned: means of neighbours."""
    values = [row["loss"] for row in rows if row["stage"] == rows[-1]["stage"] and abs(row["loss"]) < float("inf")]
    width = max(1, -(-len(values) // SPARKS))
    return [round(sum(part) / len(part), 5) for k in range(0, len(values), width) if (part := values[k : k + width])]


def quality(run: Path) -> dict[str, Any] | None:
    """The one number of evaluation.json that says most, with its ceiling; None where nothing was measured."""
    try:
        told = json.loads((run / "evaluation.json").read_text())
    except (OSError, ValueError):
        return None
    try:
        share = told["adherence"]["all"]["all_correct"]
        return {"name": "as asked", "value": share["value"], "ceiling": share["ceiling"]}
    except (KeyError, TypeError):
        return None


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


def _changed(run: Path) -> str:
    times = [mark[0] for mark in _marks(run) if mark]
    return datetime.fromtimestamp(max(times, default=0) / 1e9).astimezone().isoformat(timespec="seconds")
