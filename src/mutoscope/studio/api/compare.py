"""Runs beside each other: what each is, took and was measured to be, in one answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import StringConstraints

from ...model_config import WEIGHTS
from ...training.run_folder import read_config
from ...training.summary import SUMMARY, Summary
from ..context import Studio, studio_of
from ..measures import evaluations
from ..workspace import Missing

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]
Name = Annotated[str, StringConstraints(max_length=500)]
MOST_RUNS = 8


@router.get("/compare")
def compare(
    studio: Here, run: Annotated[list[Name], Query(min_length=1, max_length=MOST_RUNS)]
) -> list[dict[str, Any]]:
    """The runs of these names, in this order; one that is gone or cannot be read says so in `problem`."""
    return [_told(studio, name) for name in run]


def _told(studio: Studio, name: str) -> dict[str, Any]:
    try:
        folder = studio.workspace.run(name)
    except Missing as error:
        return {"id": name, "problem": str(error), "has_model": False, "stages": {}, "measures": {}, "config": None}
    row, newest = studio.runs.one(folder), evaluations(folder)[:1]
    about = {key: row[key] for key in ("id", "state", "problem", "stage", "step", "steps", "seconds", "prompts")}
    readable = row["problem"] is None
    return about | {
        "has_model": (folder / "model" / WEIGHTS).is_file(),
        "stages": Summary(folder / SUMMARY).values.get("stages", {}) if readable else {},
        "measures": newest[0]["measures"] if newest else {},
        "config": read_config(folder).model_dump(mode="json") if readable else None,
    }
