"""Questions about the course: a search, and, where an endpoint is set, an assistant that answers as it thinks."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import Field

from ...config import Config
from ...learn.assistant import Turn, answer, cited, reading
from ...learn.chapters import chapter_names
from ...learn.endpoint import Endpoint, endpoint_from
from ...learn.passages import Passage, passages
from ...learn.search import search
from ..forms import Refused
from ..workspace import Missing

router = APIRouter(prefix="/api")
AT_ONCE = 4
_answering = BoundedSemaphore(AT_ONCE)
Words = Annotated[str, Field(min_length=1, max_length=2000)]


class Question(Config):
    """What a reader asks, and what was said before."""

    question: Words
    chapter: Annotated[str, Field(max_length=100)] = ""
    """The one that is read; empty = all."""
    earlier: Annotated[tuple[Turn, ...], Field(max_length=12)] = ()


@router.get("/ask")
def about() -> dict[str, Any]:
    """Who answers, without its key; why nobody does, where what is set does not fit; the sections there are."""
    try:
        endpoint, problem = endpoint_from(os.environ), None
    except ValueError as error:
        endpoint, problem = None, str(error)
    told = {"model": endpoint.model, "host": endpoint.host} if endpoint else None
    return {"endpoint": told, "problem": problem, "sections": [_link(one) for one in passages() if one.number]}


@router.get("/search")
def find(question: Annotated[str, Query(min_length=1, max_length=2000)]) -> list[dict[str, Any]]:
    """Sections of the course, then of the docs, then docstrings."""
    return [{**asdict(found.passage), "excerpt": found.excerpt} for found in search(question)]


@router.post("/ask")
async def ask(asked: Question) -> StreamingResponse:
    """A line of JSON for each piece: {"text"}, then {"error"} where it was cut, then {"done", "cited", "sections"}."""
    endpoint = endpoint_from(os.environ)
    if endpoint is None:
        raise Refused({"question": "no assistant is set; the search answers without one."})
    if asked.chapter and asked.chapter not in chapter_names():
        raise Missing(f"there is no chapter {asked.chapter!r}.")
    if not asked.question.strip():
        raise Refused({"question": "ask something."})
    return StreamingResponse(
        _lines(endpoint, asked), media_type="application/x-ndjson", headers={"cache-control": "no-store"}
    )


async def _lines(endpoint: Endpoint, asked: Question) -> AsyncIterator[str]:
    if not _answering.acquire(blocking=False):
        yield _line(error=f"{AT_ONCE} questions are being answered. Wait for one of them.")
        return
    said = ""
    try:
        read = await run_in_threadpool(reading, endpoint, asked.question, asked.chapter)
        async with aclosing(answer(endpoint, asked.question, read, asked.earlier)) as pieces:
            async for piece in pieces:
                said += piece
                yield _line(text=piece)
    except ValueError as error:
        yield _line(error=str(error))
    finally:  # also where the reader has gone
        _answering.release()
    named = cited(said)
    near = named or [found.passage for found in search(asked.question) if found.passage.number]
    yield _line(done=True, cited=bool(named), sections=[_link(one) for one in near])


def _line(**told: Any) -> str:
    return json.dumps(told) + "\n"


def _link(section: Passage) -> dict[str, str]:
    return {"number": section.number, "title": section.title, "link": f"/learn/{section.link}"}
