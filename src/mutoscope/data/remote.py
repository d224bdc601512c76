"""Files from a web server: whole or not at all, with patience for a network that is not."""

import errno
import shutil
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeVar
from urllib import request
from urllib.error import HTTPError

from ..files import whole_file

TIMEOUT_S = 30.0
ATTEMPTS = 4
WAIT_S = 1.0
"""Before the second attempt; doubled before every further one."""
MAX_TEXT_BYTES = 64 * 2**20
PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Answers of a server that may say something else in a moment."""
HERE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""What is wrong with this machine's disk, not with the network."""

T = TypeVar("T")


def is_address(place: str) -> bool:
    """Whether a place is on a web server rather than a path; no other kind of address is ever opened."""
    return place.lower().startswith(("http://", "https://"))


def read_text(address: str) -> bytes:
    """A small file. ValueError, in one line that names the address, where the server does not give it."""
    return _patiently(address, lambda answer: answer.read(MAX_TEXT_BYTES))


def download(address: str, file: Path, num_bytes: int) -> None:
    """Fetch a file of known size. ValueError, in one line that names the address, where it cannot be had whole."""

    def save(answer: HTTPResponse) -> int:
        with whole_file(file) as half:
            with open(half, "wb") as opened:
                shutil.copyfileobj(answer, opened, 1 << 20)
            if (got := half.stat().st_size) != num_bytes:
                raise _Short(f"{got:,} bytes came instead of {num_bytes:,}")
        return num_bytes

    _patiently(address, save)


class _Short(HTTPException):
    """Less or more than there should be."""


def _patiently(address: str, use: Callable[[HTTPResponse], T]) -> T:
    """Open an address and use the answer; again, after a wait, where what went wrong may pass."""
    for attempt in range(ATTEMPTS):
        try:
            with _opener().open(address, timeout=TIMEOUT_S) as answer:
                return use(answer)
        except HTTPError as error:
            why = f"the server says {error.code} {error.reason}"
            if error.code not in PASSING:
                break
        except (HTTPException, OSError) as error:
            if getattr(error, "errno", None) in HERE:
                raise
            why = str(getattr(error, "reason", error)) or type(error).__name__
        if attempt + 1 < ATTEMPTS:
            time.sleep(WAIT_S * 2**attempt)
    raise ValueError(f"{address} cannot be read ({why}, {attempt + 1} attempts). Check the address and the network.")


def _opener() -> request.OpenerDirector:
    """Only http and https: the usual one would follow a redirection to ftp."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler, request.HTTPHandler, request.HTTPSHandler, request.HTTPDefaultErrorHandler,
        request.HTTPRedirectHandler, request.HTTPErrorProcessor, request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener
