"""What a run folder says about its run, for lists of runs; imports no torch."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..files import whole_file
from .checkpoint_files import CHECKPOINTS, list_checkpoints, step_of
from .config import RunConfig
from .lock import LOCK, in_use_by
from .metric_log import METRICS
from .summary import SUMMARY, Summary, finished, stage_seconds

PROMPTS = "samples/prompts.json"
SIGNS = (CHECKPOINTS, METRICS, SUMMARY, LOCK)
"""One of them beside config.json tells a run from a saved model, which has such a file, too."""


@dataclass(frozen=True)
class Reached:
    """The newest checkpoint of a run."""

    stage: str
    step: int
    steps: int


@dataclass(frozen=True)
class RunState:
    """How far a run is, and what it takes."""

    folder: Path
    num_bytes: int
    changed: datetime
    """When a file of it was last written, local time."""
    finished: bool = False
    reached: Reached | None = None
    """None before the first checkpoint, and where checkpoints were cleaned away."""
    seconds: float = 0.0
    """Of training, all stages."""
    in_use_by: str | None = None
    problem: Exception | None = None
    """Why it cannot be read."""


def is_run(folder: Path) -> bool:
    """Whether a folder is a run, be it a damaged one."""
    return (folder / "config.json").is_file() and any((folder / name).exists() for name in SIGNS)


def find_runs(folder: Path) -> list[Path]:
    """Run folders at and below `folder`, sorted; not behind links, in hidden folders or inside other runs."""
    found = []
    for place, inner, _ in os.walk(folder):
        if is_run(Path(place)):
            found.append(Path(place))
            inner.clear()
        inner[:] = [name for name in inner if not name.startswith(".")]
    return sorted(found)


def state_of(run: Path) -> RunState:
    """Look at a run folder. Nothing in it makes this fail: what cannot be read is told as `problem`."""
    sizes, times = [0], [0.0]
    for path in files_of(run):
        try:
            about = path.lstat()
        except OSError:  # gone in the meantime: somebody trains there
            continue
        sizes.append(about.st_size)
        if path.name != LOCK:  # looking at a lock is no change of the run
            times.append(about.st_mtime)
    num_bytes, changed = sum(sizes), datetime.fromtimestamp(max(times)).astimezone()
    try:
        config = read_config(run)
        return RunState(
            run,
            num_bytes,
            changed,
            finished(config, run, Summary(run / SUMMARY)),
            reached(config, run),
            stage_seconds(run),
            in_use_by(run),
        )
    except (OSError, ValueError) as error:
        return RunState(run, num_bytes, changed, problem=error)


def write_prompts(run: Path, prompts: Sequence[str]) -> None:
    """What is made videos of while the run trains."""
    (run / PROMPTS).parent.mkdir(exist_ok=True)
    with whole_file(run / PROMPTS) as half:
        half.write_text(json.dumps(list(prompts), ensure_ascii=False))


def read_prompts(run: Path) -> list[str]:
    """What is made videos of while the run trains; empty where nothing is, or nothing yet."""
    try:
        return [str(prompt) for prompt in json.loads((run / PROMPTS).read_text())]
    except (OSError, ValueError, TypeError):
        return []


def read_config(run: Path) -> RunConfig:
    """config.json. ValueError or OSError where it is not a run of this version."""
    return RunConfig.model_validate_json((run / "config.json").read_bytes())


def reached(config: RunConfig, run: Path) -> Reached | None:
    """The newest checkpoint of the last stage that has one."""
    for name, stage in reversed(config.stages.items()):
        if there := list_checkpoints(run / CHECKPOINTS, name):
            return Reached(name, step_of(there[-1]), stage.steps)
    return None


def files_of(folder: Path) -> Iterator[Path]:
    """Every file below a folder, links as themselves."""
    for place, inner, names in os.walk(folder):
        links = [name for name in inner if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in [*names, *links])
