"""What an OpenAI-compatible server replies, in all the ways in which servers do: pieces of text, or why there are none.

Streams are server-sent events (HTML standard, sec. 9.2): lines `data: {…}` until `data: [DONE]`; lines that begin with
a colon keep the connection alive. Some servers answer with one JSON object though a stream was asked for.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httpx import Response

LONGEST_LINE = 1 << 20
LONGEST_ERROR = 4000
"""Bytes of a refusal that are read."""
Reply = AsyncGenerator[str, None]


class Cut(Exception):
    """There is no answer, or no more of it; the message says why. words: the server's own, which may hold the key."""

    def __init__(self, why: str, words: str = ""):
        super().__init__(why)
        self.words = words


async def check_status(response: "Response", host: str, model: str) -> None:
    """`Cut` unless the server is about to answer."""
    status = response.status_code
    if status == 200:
        return
    if 300 <= status < 400:
        where = "MUTOSCOPE_ASSISTANT_URL"
        raise Cut(f"{host} sends on to another address ({status}), where the key must not go. Correct {where}.")
    what = {
        400: f"{host} does not take the question",
        401: f"{host} refuses the key: is MUTOSCOPE_ASSISTANT_KEY right for it?",
        403: f"{host} refuses the key: is MUTOSCOPE_ASSISTANT_KEY right for it?",
        404: f"{host} has no model {model!r}, or its address lacks a /v1 at the end",
        413: "the question with its sections is too long: set MUTOSCOPE_ASSISTANT_CONTEXT lower",
        429: f"{host} has had enough questions for now: wait, or look at its quota",
    }.get(
        status, f"{host} fails at the moment: is its model still being loaded?" if status >= 500 else f"{host} refuses"
    )
    raise Cut(f"{what} ({status}).", _words_of((await _beginning(response)).decode("utf-8", "replace")))


async def pieces_of(response: "Response") -> Reply:
    """What the model says, piece by piece. `Cut` where the server reports an error or ends too early."""
    finished, anything = False, False
    async for line in _lines(response):
        if line in ("data: [DONE]", "data:[DONE]"):
            finished = True
            break
        told = _object(line.removeprefix("data:"))
        if told is None:
            continue
        if told.get("error"):
            raise Cut("the server stopped with an error.", _words_of(json.dumps(told)))
        choices = told.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict):
                continue
            text = _text_of(choice)
            anything = anything or text != ""
            yield text  # also nothing, as while it reasons: it is alive
            if choice.get("finish_reason") == "length":
                raise Cut("the answer was cut: the model may not say more. Ask about less, or for the rest.")
            finished = finished or choice.get("finish_reason") is not None
    if not anything:
        raise Cut("the server answered nothing. Ask again, or ask another model.")
    if not finished:
        raise Cut("the answer was cut in the middle. Ask again.")


def _text_of(choice: dict[str, Any]) -> str:
    said = choice.get("delta") or choice.get("message")
    text = said.get("content") if isinstance(said, dict) else None
    return text if isinstance(text, str) else ""


async def _lines(response: "Response") -> AsyncIterator[str]:
    """Lines of the body, whatever ends them; a whole JSON object over several lines counts as one."""
    kept = b""
    whole = not response.headers.get("content-type", "").startswith("text/event-stream")
    async for part in response.aiter_bytes():
        kept += part
        if len(kept) > LONGEST_LINE:
            raise Cut("the server sends a line without end.")
        if not (whole and kept.lstrip().startswith(b"{")):
            *lines, kept = kept.split(b"\n")
            for line in lines:
                yield line.decode("utf-8", "replace").strip()
    yield kept.decode("utf-8", "replace").strip()


def _object(text: str) -> dict[str, Any] | None:
    """A JSON object; None for anything else: comments, other fields, garbage."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


async def _beginning(response: "Response") -> bytes:
    kept = b""
    async for part in response.aiter_bytes():
        kept += part
        if len(kept) > LONGEST_ERROR:
            break
    return kept


def _words_of(text: str) -> str:
    """What an error says for people; nothing of a web page."""
    told = _object(text)
    if told is not None:
        error = told.get("error", told)
        text = error if isinstance(error, str) else str(error.get("message", "")) if isinstance(error, dict) else ""
    words = " ".join(text.split())
    return "" if words.startswith("<") else words
