"""`mutoscope learn ask "QUESTION"`: what the course says about it, or an assistant's answer from it."""

import asyncio
import os
from contextlib import aclosing
from typing import Annotated

import tyro
from pydantic import Field

from ..config import Config
from ..learn.assistant import answer, cited, reading
from ..learn.chapters import chapter_names
from ..learn.endpoint import Endpoint, endpoint_from
from ..learn.search import search
from .parse import parse

DESCRIPTION = """Ask about the course: a search over its chapters, the docs and the docstrings.

  mutoscope learn ask "why does the VAE look one way in time"
  mutoscope learn ask "what is adaLN for" --chapter 3

With MUTOSCOPE_ASSISTANT_URL and MUTOSCOPE_ASSISTANT_MODEL (and _KEY) set to an OpenAI-compatible endpoint, such as
http://127.0.0.1:11434/v1, its model answers from the chapters and names the sections."""
KINDS = {"course": "In the course", "docs": "In the docs", "code": "In the code"}


class AskOptions(Config):
    """What to ask."""

    question: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="QUESTION")]
    """In plain words."""
    chapter: str = ""
    """Chapter to answer from, by name or number; empty = all."""
    limit: Annotated[int, Field(ge=1, le=50)] = 3
    """Passages of each kind that the search shows."""


def run(args: list[str]) -> int:
    """The verb's action."""
    options = parse(AskOptions, args, "mutoscope learn ask", DESCRIPTION)
    if not options.question.strip():
        raise ValueError('ask something, such as: mutoscope learn ask "what is a latent"')
    endpoint = endpoint_from(os.environ)
    if endpoint is None:
        _show_passages(options.question, options.limit)
    else:
        asyncio.run(_show_answer(endpoint, options.question, _chapter(options.chapter)))
    return 0


def _show_passages(question: str, limit: int) -> None:
    found = search(question, limit)
    if not found:
        raise ValueError("nothing of what is written holds one of these words. Ask in others.")
    for kind, title in KINDS.items():
        of_kind = [one for one in found if one.passage.kind == kind]
        if of_kind:
            print(f"\n{title}")
        for one in of_kind:
            print(f"\n  {one.passage.place}, {one.passage.number} {one.passage.title}".replace(",  ", ": "))
            print(f"    {one.excerpt}")


async def _show_answer(endpoint: Endpoint, question: str, chapter: str) -> None:
    said = ""
    try:
        async with aclosing(answer(endpoint, question, reading(endpoint, question, chapter))) as pieces:
            async for piece in pieces:
                print(piece, end="", flush=True)
                said += piece
    finally:
        print()
        for section in cited(said):
            print(f"[{section.number}] {section.place}: {section.title}")


def _chapter(given: str) -> str:
    """3, or 3_latents_and_text."""
    return next((name for name in chapter_names() if given and name.partition("_")[0] == given), given)
