"""metrics.jsonl of a run."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
            lines = self.path.read_text().splitlines()
            kept = [line for line in lines if self._stays(line)]
            if kept != lines:
                self.path.write_text("".join(line + "\n" for line in kept))

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
