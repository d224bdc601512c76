"""The course: chapters to read, exercises to solve, and answers that are checked."""

import re
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from ...config import Config
from ...learn.chapters import Chapter, chapter_names, read_chapter, read_chapters
from ...learn.check import LARGEST, check
from ...learn.exercises import exercises
from ...learn.render import page, page_file
from ..context import Studio, studio_of
from ..forms import Refused
from ..jobs import OPEN, Job
from ..workspace import Missing

router = APIRouter(prefix="/api/learn")
pages = APIRouter(prefix="/learn")
Here = Annotated[Studio, Depends(studio_of)]
PAGES = "course-pages"
"""Where `mutoscope learn build` puts chapters that were run, in the workspace."""
Name = Annotated[str, InPath(max_length=100)]
INLINE = re.compile(r'<script type="module">.*?</script>', re.DOTALL)
ADDED = '<script type="module" src="/static/chapter.js"></script>\n'
_checking = Lock()


class ByName(Config):
    """A chapter."""

    chapter: Annotated[str, Field(max_length=100)]


class Answer(Config):
    """A learner's answer."""

    exercise: Annotated[str, Field(max_length=100)]
    source: Annotated[str, Field(max_length=LARGEST)]


@router.get("")
def course(studio: Here) -> dict[str, Any]:
    """Chapters with their sections, and exercises; why there are no chapters, where what reads them is missing."""
    try:
        told, problem = [_about(one, studio) for one in read_chapters()], None
    except ValueError as error:
        told, problem = [], str(error)
    return {"chapters": told, "problem": problem, "exercises": [asdict(one) for one in exercises().values()]}


@pages.get("/index.html")
def index() -> RedirectResponse:
    """Pages link to it; here it is the studio's own."""
    return RedirectResponse("/#/learn")


@pages.get("/speak.js")
def speak() -> Response:
    """What reads a page aloud."""
    return Response(page_file("speak.js"), media_type="text/javascript")


@pages.get("/{name}.html")
def chapter(studio: Here, name: Name) -> HTMLResponse:
    """A chapter as a page: as it was run here, else without what its cells show. No script in it is run but our own."""
    built = _built(studio, name, ".html")
    text = built.read_text(encoding="utf-8") if built else page(_chapter(name), read_chapters())
    text = INLINE.sub('<script type="module" src="speak.js"></script>', text).replace("</body>", f"{ADDED}</body>")
    return HTMLResponse(text, headers={"cache-control": "no-cache"})


@pages.get("/{name}.ipynb")
def notebook(studio: Here, name: Name) -> Response:
    """The same as a notebook."""
    import nbformat

    built = _built(studio, name, ".ipynb")
    text = built.read_text(encoding="utf-8") if built else nbformat.writes(_chapter(name).notebook)
    return Response(text, media_type="application/x-ipynb+json")


@router.post("/run")
def run(studio: Here, asked: ByName) -> Job:
    """A job that runs a chapter from its first cell to its last; then its page shows what they show."""
    one, jobs = _chapter(asked.chapter), studio.queue.jobs.recent("chapter")
    for job in jobs:
        if job.payload["chapter"] == one.name and job.state in OPEN:
            return job
    args = ["learn", "build", one.name, "--out", PAGES]
    return studio.queue.submit("chapter", one.title, "", {"chapter": one.name, "args": args})


@router.post("/check")
def check_answer(answer: Answer) -> dict[str, Any]:
    """The verdict, within some seconds; one answer at a time."""
    if answer.exercise not in exercises():
        raise Missing(f"there is no exercise {answer.exercise!r}.")
    if not _checking.acquire(blocking=False):
        raise Refused({"source": "another answer is being checked. Wait a moment, then check again."})
    try:
        return asdict(check(answer.exercise, answer.source))
    except ValueError as error:
        raise Refused({"source": str(error)}) from error
    finally:
        _checking.release()


def _about(one: Chapter, studio: Studio) -> dict[str, Any]:
    sections = [title for _, title in one.sections]
    return {
        "name": one.name,
        "title": one.title,
        "sections": sections,
        "built": bool(_built(studio, one.name, ".html")),
    }


def _chapter(name: str) -> Chapter:
    if name not in chapter_names():
        raise Missing(f"there is no chapter {name!r}.")
    return read_chapter(name)


def _built(studio: Studio, name: str, suffix: str) -> Path | None:
    """A file of a chapter that was run here; None where there is none, or where it lies outside the workspace."""
    if name not in chapter_names():
        raise Missing(f"there is no chapter {name!r}.")
    file = (studio.workspace.folder / PAGES / f"{name}{suffix}").resolve()
    return file if file.is_file() and file.is_relative_to(studio.workspace.folder.resolve()) else None
