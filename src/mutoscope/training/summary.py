"""What a run took, and whether it is done; imports no torch."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import whole_file
from ..memory import peak_memory_mb
from ..model_config import WEIGHTS
from .config import RunConfig
from .metric_log import METRICS, last_seconds

SUMMARY = "summary.json"


@dataclass
class Summary:
    """summary.json: what the run took, per stage. ValueError where the file holds something else."""

    path: Path
    writes: bool = True
    """Not where another process does."""
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path.exists():
            return
        try:
            self.values = json.loads(self.path.read_text())
            if any(not isinstance(stage, dict) for stage in self.values.get("stages", {}).values()):
                raise ValueError("a stage without figures")
        except (ValueError, AttributeError) as error:  # the latter: JSON of another shape
            raise ValueError(f"{self.path} is no summary of a run ({error}). Remove it.") from error

    def add(self, stage: str, values: dict[str, Any]) -> None:
        """Merge the figures of a stage and write the file."""
        self.values.setdefault("stages", {}).setdefault(stage, {}).update(values)
        self.values["peak_memory_mb"] = round(max(peak_memory_mb(), self.values.get("peak_memory_mb", 0)), 1)
        if self.writes:
            with whole_file(self.path) as half:
                half.write_text(json.dumps(self.values, indent=1))


def finished(config: RunConfig, run: Path, summary: Summary) -> bool:
    """Whether the model in the run folder is the one that these settings end with."""
    name, stage = list(config.stages.items())[-1]
    steps = summary.values.get("stages", {}).get(name, {}).get("steps")
    return steps == stage.steps and (run / "model" / WEIGHTS).is_file()


def stage_seconds(run: Path) -> float:
    """Seconds of training of all stages so far; of a stage that is not done, up to the last line of its log."""
    done = {name: stage["seconds"] for name, stage in Summary(run / SUMMARY).values.get("stages", {}).items()
            if "seconds" in stage}  # fmt: skip
    return float(sum((last_seconds(run / METRICS) | done).values()))
