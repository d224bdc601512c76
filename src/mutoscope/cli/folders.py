"""Run folders and output folders, looked at before anything is computed. Torch is imported only where weights load."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ..errors import invalid
from ..files import whole_file
from ..training.config import RunConfig

if TYPE_CHECKING:
    from ..pipeline import Pipeline

PACKAGED = "packaged"
"""Said instead of a run folder: the model inside the package."""


def is_packaged(run: Path | None) -> bool:
    """Whether the model inside the package is meant; a folder of that name goes first."""
    return run is None or (str(run) == PACKAGED and not run.exists())


def load_pipeline(run: Path | None) -> "Pipeline":
    """The trained model of a run; ValueError says what is there instead, and what to type."""
    from ..pipeline import PACKAGED_MODEL, Pipeline

    if is_packaged(run):
        if not PACKAGED_MODEL.is_dir():
            raise ValueError(
                f"the model inside the package is missing ({PACKAGED_MODEL}). Install mutoscope again, or train one: "
                "mutoscope train demo --out runs/demo, then give its folder."
            )
        return Pipeline.load()
    assert run is not None
    if not run.is_dir():
        raise ValueError(
            f"{run} {'is a file, not a run folder' if run.exists() else 'does not exist'}."
            f"{_runs_here()} Train one: mutoscope train demo --out {run.parent / 'demo'}"
        )
    if (run / "checkpoints").is_dir() and not (run / "model").is_dir():
        raise ValueError(f"{run} is not trained to its end yet. Go on: mutoscope train RECIPE --out {run}")
    return Pipeline.load(run)


def read_run(run: Path) -> RunConfig:
    """The configuration of a run folder."""
    file = run / "config.json"
    if not file.is_file():
        there = "holds no run (config.json is missing)" if run.is_dir() else "does not exist"
        raise ValueError(f"{run} {there}.{_runs_here()} Train one: mutoscope train demo --out runs/demo")
    try:
        return RunConfig.model_validate_json(file.read_text(errors="replace"))
    except ValidationError as error:
        raise ValueError(f"{file} is not a run of this version: {invalid(error)}.") from error


def check_writable(folder: Path) -> None:
    """OSError, before any work, where files cannot be written into a folder that may not exist yet."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(there))
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied", str(there))


def _runs_here() -> str:
    """Names of the runs a user may have meant."""
    found = sorted(str(config.parent) for config in Path("runs").glob("*/config.json"))
    return f" Runs here: {', '.join(found[:8])}." if found else ""


def write_whole(path: Path, text: str) -> None:
    """Write a text file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as half:
        half.write_text(text, encoding="utf-8")
