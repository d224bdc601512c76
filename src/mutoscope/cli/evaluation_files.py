"""evaluation.json, the newest, and evaluations.jsonl, a line for each there has been."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .folders import write_whole

if TYPE_CHECKING:
    from ..evaluation.result import Record

NEWEST, ALL = "evaluation.json", "evaluations.jsonl"


def write_evaluation(evaluation: "Record", run: Path, out: Path) -> Path:
    """Write both into `out`; returns the first. A line of the second also says when, and after how many steps."""
    write_whole(out / NEWEST, evaluation.model_dump_json(indent=1))
    summary = run / "summary.json"
    stages = json.loads(summary.read_text()).get("stages", {}) if summary.is_file() else {}
    at, step = datetime.now().astimezone().isoformat(timespec="seconds"), stages.get("diffusion", {}).get("steps")
    with (out / ALL).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"at": at, "step": step} | evaluation.model_dump(mode="json", exclude={"clips"})) + "\n")
    return out / NEWEST
