"""Clips to train on: sets of them, what is wrong with them, how they look, and their captions."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import FileResponse

from ...config import Config
from ..captions import CaptionEdit, change_caption, last_edit, undo
from ..clip_files import playable, thumbnail
from ..clip_sets import OneClip, Wish, find_entry, find_sets, page_of
from ..context import Studio, studio_of
from ..forms import checked

router = APIRouter(prefix="/api/data")
Here = Annotated[Studio, Depends(studio_of)]
KEPT = {"cache-control": "private, max-age=3600"}  # the page asks for another address when the content is another


class ASet(Config):
    """A set of clips."""

    set: str


class Shown(OneClip):
    """A clip to look at."""

    version: Annotated[str, Query(max_length=100)] = ""
    """Nothing but another address for another content."""


@router.get("/sets")
def sets(studio: Here) -> list[dict[str, Any]]:
    """Folders with a manifest, by name."""
    return find_sets(studio.workspace)


@router.get("/set")
def one_set(studio: Here, wish: Annotated[Wish, Query()]) -> dict[str, Any]:
    """A page of its clips, counts of all of them, and the edit that can be taken back."""
    page, last = page_of(studio.workspace, wish), last_edit(studio.workspace, wish.set)
    undoes = None if last is None else last.model_dump(include={"file", "start_s", "end_s", "before", "after"})
    return {**page, "undo": undoes}


@router.get("/thumbnail")
def first_frame(studio: Here, clip: Annotated[Shown, Query()]) -> FileResponse:
    """As a small picture."""
    return FileResponse(thumbnail(studio.workspace, *find_entry(studio.workspace, clip)), headers=KEPT)


@router.get("/clip")
def played(studio: Here, clip: Annotated[Shown, Query()]) -> FileResponse:
    """A file that browsers play."""
    return FileResponse(playable(studio.workspace, *find_entry(studio.workspace, clip)), headers=KEPT)


@router.post("/caption")
def caption(studio: Here, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Another caption for a clip."""
    return change_caption(studio.workspace, checked(CaptionEdit, body))


@router.post("/undo")
def take_back(studio: Here, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Undo the last edit of a set."""
    return undo(studio.workspace, checked(ASet, body).set)
