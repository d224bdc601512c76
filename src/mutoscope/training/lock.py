"""One process per run folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = "run.lock"
A_LOOK = 0.5  # seconds; `in_use_by` holds the lock for a moment, which must not turn a training away


@contextmanager
def sole_use(run: Path) -> Iterator[None]:
    """Keep every other process out of a run folder, until this one leaves or ends, however it ends.

    ValueError, naming it, where another one is in there. A file system without locks keeps nobody out.
    """
    lock = FileLock(run / LOCK, timeout=A_LOOK, thread_local=False)
    try:
        with suppress(NotImplementedError):
            lock.acquire()
    except Timeout as error:
        raise ValueError(
            f"{run} is in use by {in_use_by(run)}. Wait for it, stop it, or choose another --out."
        ) from error
    try:
        (run / LOCK).write_text(f"process {os.getpid()} on {socket.gethostname()}\n")
        yield
    finally:
        lock.release()


def in_use_by(run: Path) -> str | None:
    """Who trains into a run folder at this moment, in words; None = nobody."""
    file = run / LOCK
    if not file.is_file():
        return None
    lock = FileLock(file, timeout=0, thread_local=False)
    try:
        with suppress(NotImplementedError), lock:
            return None
    except Timeout:
        return file.read_text().strip() or "another process"
    return None
