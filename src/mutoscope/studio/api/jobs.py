"""The queue: what waits, runs and is done; cancel, once more, forget."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ...config import Config
from ..context import Studio, studio_of
from ..jobs import Job, Kind

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]


class ById(Config):
    """A job."""

    job: str


@router.get("/jobs")
def list_jobs(studio: Here, kind: Kind | None = None) -> list[dict[str, Any]]:
    """The newest first, with what is done of their videos."""
    return [_with_result(studio, job) for job in studio.queue.jobs.recent(kind)]


@router.get("/job")
def one_job(studio: Here, job: Annotated[str, Query(max_length=100)]) -> dict[str, Any]:
    """A job."""
    return _with_result(studio, studio.queue.jobs.get(job))


@router.post("/job/cancel")
def cancel(studio: Here, asked: ById) -> Job:
    """One that waits never runs; one that runs leaves at its next step."""
    studio.queue.jobs.ask(asked.job, "stop")
    return studio.queue.jobs.get(asked.job)


@router.post("/job/again")
def again(studio: Here, asked: ById) -> Job:
    """Run once more what failed, was cancelled or interrupted."""
    studio.queue.again(studio.queue.jobs.get(asked.job))
    return studio.queue.jobs.get(asked.job)


@router.delete("/job")
def forget(studio: Here, job: Annotated[str, Query(max_length=100)]) -> None:
    """Remove a job that is over, and its videos."""
    studio.forget(job)


def _with_result(studio: Studio, job: Job) -> dict[str, Any]:
    """videos: what is known of each finished one."""
    try:
        cells = json.loads((studio.workspace.job_folder(job.id) / "result.json").read_text())
    except (OSError, ValueError):
        cells = []
    return {**job.model_dump(), "videos": cells}
