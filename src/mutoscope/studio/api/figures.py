"""The interactive figures of the course: which there are, a job that computes one, what a page shows of it."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import FileResponse

from ... import __version__
from ...learn.chapters import anchor
from ...learn.figures import figures
from ..context import Studio, studio_of
from ..forms import Refused, checked
from ..jobs import Job
from ..requests import SHOWN, FigureRequest
from ..workspace import Missing

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]
KEPT = 40
"""Figures that are kept; the oldest go first."""


@router.get("/figures")
def list_figures() -> list[dict[str, Any]]:
    """In the order of the course, each with where it is explained."""
    return [
        {**asdict(one), "read": one.read[1], "link": f"/learn/{one.read[0]}.html#{anchor(one.read[1])}"}
        for one in figures().values()
    ]


@router.post("/figure")
def compute(studio: Here, body: Annotated[dict[str, Any], Body()]) -> Job:
    """A job that computes it for every position of its slider, or the one that has, or is about to."""
    request = checked(FigureRequest, body)
    figure = figures().get(request.figure)
    if figure is None:
        raise Refused({"figure": f"there is no figure {request.figure!r}. There are: {', '.join(figures())}."})
    if figure.asks == "clip":
        request = request.model_copy(update={"prompt": FigureRequest.model_fields["prompt"].default})
    elif not request.prompt.strip():
        raise Refused({"prompt": "say what to show."})
    # Another version may carry another model: what was computed then is not what it shows now.
    payload = {"request": request.model_dump(mode="json"), "version": __version__}
    known = studio.queue.jobs.recent("figure")
    for job in known:
        if job.payload == payload and job.state in ("queued", "running", "done"):
            return job
    for old in known[KEPT - 1 :]:
        studio.forget(old.id)
    return studio.queue.submit("figure", figure.title, "", payload)


@router.get("/figure")
def shown(studio: Here, job: Annotated[str, Query(max_length=100)]) -> FileResponse:
    """Values and sentences of its slider, sizes of its pictures."""
    file = studio.workspace.job_folder(job) / SHOWN
    if not file.is_file():
        raise Missing("this figure is not computed yet.")
    return FileResponse(file, media_type="application/json")
