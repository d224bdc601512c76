"""Runs: the list, one of them, its curves, pictures and log; pause, go on, stop, evaluate, delete."""

import os
import shlex
import shutil
import signal
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse, Response
from pydantic_core import to_json

from ...config import Config
from ...training.lock import sole_use
from ...training.run_folder import read_config
from ..context import Studio, studio_of
from ..forms import Refused
from ..jobs import OPEN, Job
from ..measures import evaluations
from ..metrics import columns
from ..queue import LANES
from ..run_list import command_of, process_of, samples

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]
Name = Annotated[str, Query(max_length=500)]
LOG_TAIL = 64 * 1024


class Named(Config):
    """A run."""

    run: str


@router.get("/runs")
def list_runs(studio: Here) -> list[dict[str, Any]]:
    """All runs, the one that changed last first."""
    waiting = {job.subject: job for job in studio.queue.jobs.recent() if job.state in OPEN and _changes(job)}
    return [_with_job(row, waiting.get(row["id"])) for row in studio.runs.all()]


@router.get("/run")
def one_run(studio: Here, run: Name) -> dict[str, Any]:
    """Everything about a run but its curves."""
    folder = studio.workspace.run(run)
    jobs = [job for job in studio.queue.jobs.about(run) if _changes(job)]
    row = _with_job(studio.runs.one(folder), jobs[0] if jobs else None)
    config = None if row["problem"] else read_config(folder).model_dump(mode="json")
    return {**row, "config": config, "command": command_of(folder), "samples": samples(folder),
            "report": (folder / "report.html").is_file()}  # fmt: skip


@router.get("/run/metrics")
def metrics(studio: Here, run: Name, after: Annotated[int, Query(ge=0)] = 0) -> Response:
    """Columns by stage of what was logged from a byte on."""
    found = columns(studio.workspace.run(run) / "metrics.jsonl", after)
    return Response(to_json(found), media_type="application/json")  # megabytes of numbers: not checked one by one


@router.get("/run/evaluations")
def all_evaluations(studio: Here, run: Name) -> list[dict[str, Any]]:
    """What was measured, the newest first; empty before the first evaluation."""
    return evaluations(studio.workspace.run(run))


@router.get("/run/log")
def log(studio: Here, run: Name) -> dict[str, str]:
    """The end of log.txt."""
    file = studio.workspace.run(run) / "log.txt"
    if not file.is_file():
        return {"log": ""}
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - LOG_TAIL))
        return {"log": opened.read().decode(errors="replace")}


@router.get("/run/file")
def run_file(studio: Here, run: Name, path: Name) -> FileResponse:
    """A picture, video or page that a run has written."""
    file = studio.workspace.run_file(run, path)
    # The run's report is a page of its own making; nothing in it may act in the studio's name.
    sandbox = {"content-security-policy": "sandbox allow-scripts"} if file.suffix == ".html" else {}
    return FileResponse(file, headers={"cache-control": "no-cache", **sandbox})


@router.post("/run/pause")
def pause(studio: Here, asked: Named) -> None:
    """Save and leave."""
    _leave(studio, asked.run, "stop")


@router.post("/run/stop")
def stop(studio: Here, asked: Named) -> None:
    """Leave at once; the last checkpoint stays."""
    _leave(studio, asked.run, "kill")


@router.post("/run/resume")
def resume(studio: Here, asked: Named) -> Job:
    """Go on with what was typed or asked for."""
    folder = studio.workspace.run(asked.run)
    _not_open(studio, asked.run)
    args = shlex.split((command_of(folder) or "").removeprefix("mutoscope "))
    if args[:1] != ["train"] or _out_of(args, studio.workspace.folder) != folder:
        command = command_of(folder) or "mutoscope train RECIPE --out DIR"
        words = f"this run was not started in {studio.workspace.folder}. Where it was, type: {command}"
        raise Refused({"": words})
    return studio.queue.submit("train", f"train {asked.run}", asked.run, {"args": args})


@router.post("/run/evaluate")
def evaluate(studio: Here, asked: Named) -> Job:
    """Measure the trained model."""
    folder = studio.workspace.run(asked.run)
    _not_open(studio, asked.run)
    if not (folder / "model").is_dir():
        raise Refused({"": "there is no model yet: the run has to be trained to its end first."})
    args = ["evaluate", str(folder.relative_to(studio.workspace.folder))]
    return studio.queue.submit("evaluate", f"evaluate {asked.run}", asked.run, {"args": args})


@router.delete("/run")
def delete(studio: Here, run: Name, confirm: Name) -> None:
    """Remove a run folder with all that is in it. confirm: its name once more."""
    folder = studio.workspace.run(run)
    if confirm != run:
        raise Refused({"confirm": f"type the run's name, {run}, to delete it."})
    _not_open(studio, run)
    with sole_use(folder):
        aside = folder.with_name(f".deleted-{folder.name}")  # gone for every reader at once
        os.replace(folder, aside)
    shutil.rmtree(aside)


def _with_job(row: dict[str, Any], job: Job | None) -> dict[str, Any]:
    """A run that waits in the queue, or whose command is starting."""
    if job is None:
        return {**row, "job": None}
    busy = {"queued": "queued", "running": "evaluating" if job.kind == "evaluate" else "training"}
    return {**row, "job": job.id, "state": busy.get(job.state, row["state"])}


def _changes(job: Job) -> bool:
    """Whether a job works on the run itself; others only look at its model."""
    return LANES[job.kind] == "long"


def _not_open(studio: Studio, run: str) -> None:
    if studio.queue.jobs.about(run):
        raise Refused({"": "a job for this run waits or is running. Wait for it, or stop it."})


def _leave(studio: Studio, run: str, how: Literal["stop", "kill"]) -> None:
    """Ask the job of a run, or the process that somebody started in a terminal."""
    folder, jobs = studio.workspace.run(run), [job for job in studio.queue.jobs.about(run) if _changes(job)]
    for job in jobs:
        studio.queue.jobs.ask(job.id, how)
    if not jobs:
        process = process_of(folder)
        if process is None:
            raise Refused({"": "nobody trains this run on this machine at the moment."})
        os.kill(process, signal.SIGKILL if how == "kill" else signal.SIGTERM)


def _out_of(args: list[str], folder: Path) -> Path | None:
    """Run folder of `train RECIPE ... --out DIR`, typed in `folder`."""
    if len(args) < 2:
        return None
    given = [args[k + 1] for k, word in enumerate(args[:-1]) if word == "--out"]
    given += [word.partition("=")[2] for word in args if word.startswith("--out=")]
    return (folder / (given[-1] if given else f"runs/{args[1]}")).resolve()
