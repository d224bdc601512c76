"""metrics.jsonl of a run."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import whole_file

METRICS = "metrics.jsonl"


@dataclass
class MetricLog:
    """One row per line; rows after the step we go on from are dropped, so no step stands twice."""

    path: Path
    stage: str
    step: int
    writes: bool = True
    """Not where another process does."""

    def __post_init__(self) -> None:
        if self.writes and self.path.exists():
            before = self.path.read_text()
            kept = "".join(line + "\n" for line in before.splitlines() if self._stays(line))
            if kept != before:
                with whole_file(self.path) as half:
                    half.write_text(kept)

    def write(self, row: dict[str, Any]) -> None:
        """Append one row."""
        if not self.writes:
            return
        with self.path.open("a") as file:
            file.write(json.dumps({"stage": self.stage, **row}) + "\n")

    def _stays(self, line: str) -> bool:
        try:
            row = json.loads(line)
        except ValueError:  # a line cut short by a kill
            return False
        return row["stage"] != self.stage or row["step"] <= self.step


def last_seconds(path: Path) -> dict[str, float]:
    """Seconds of training that the last row of each stage tells; lines that are no rows are left out."""
    found = {}
    for line in path.read_text(errors="replace").splitlines() if path.is_file() else []:
        try:
            row = json.loads(line)
            found[row["stage"]] = float(row["seconds"])
        except (ValueError, KeyError, TypeError):
            continue
    return found
