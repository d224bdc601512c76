"""What the studio was asked to do, in a database that server and worker share: nothing is lost when one is killed.

This table is what counts; the queue beside it only wakes the worker. A job is taken by exactly one `claim`.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from ..config import Config

Kind = Literal["train", "evaluate", "chapter", "generate", "strip", "words", "figure"]
State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
OPEN: tuple[State, ...] = ("queued", "running")
LONGEST_QUEUE = 100
SHOWN = 500  # jobs that a list holds at most

TABLE = """CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, subject TEXT NOT NULL, payload TEXT NOT NULL,
  state TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '', asked TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0,
  created REAL NOT NULL, started REAL, ended REAL)"""


class QueueFull(Exception):
    """More jobs wait than the queue holds."""


class Job(Config):
    """One thing to do."""

    id: str
    kind: Kind
    title: str
    """For people."""
    subject: str
    """The run it is about, by name; "" = the model inside the package."""
    payload: dict[str, Any]
    """What exactly: arguments of a command, or a request."""
    state: State
    done: int
    """Steps."""
    total: int
    message: str
    """Why it failed, or what it says of itself."""
    asked: Literal["", "stop", "kill"]
    """What a running job was asked to do: save and leave, or leave at once."""
    tries: int
    created: float
    started: float | None
    ended: float | None


class Jobs:
    """The table. Every method is one transaction; any number of processes may use it."""

    def __init__(self, path: Path):
        self._path = path
        with self._open() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(TABLE)

    def add(self, kind: Kind, title: str, subject: str, payload: dict[str, Any]) -> Job:
        """A new job at the end; QueueFull where LONGEST_QUEUE jobs wait already."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            waiting = db.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()[0]
            if waiting >= LONGEST_QUEUE:
                raise QueueFull(f"{waiting} jobs are waiting, more than that is not kept. Cancel some, or wait.")
            row = (uuid.uuid4().hex, kind, title, subject, json.dumps(payload), time.time())
            columns = "id, kind, title, subject, payload, created, state"
            db.execute(f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, 'queued')", row)
        return self.get(row[0])

    def get(self, job: str) -> Job:
        """LookupError where there is none."""
        found = self._select("WHERE id = ?", job)
        if not found:
            raise LookupError(f"there is no job {job!r}.")
        return found[0]

    def recent(self, kind: Kind | None = None) -> list[Job]:
        """The newest first."""
        where, values = ("WHERE kind = ?", [kind]) if kind else ("", [])
        return self._select(f"{where} ORDER BY created DESC LIMIT {SHOWN}", *values)

    def about(self, run: str) -> list[Job]:
        """Open jobs about a run."""
        return self._select("WHERE subject = ? AND state IN ('queued', 'running')", run)

    def queued(self) -> list[Job]:
        """In the order they came."""
        return self._select("WHERE state = 'queued' ORDER BY created")

    def claim(self, job: str) -> bool:
        """Whether the caller is the one who runs it now."""
        return self._change(
            "state = 'running', started = ?, ended = NULL, asked = '', done = 0, message = '', tries = tries + 1",
            "id = ? AND state = 'queued'",
            time.time(),
            job,
        )

    def progress(self, job: str, done: int, total: int, message: str = "") -> None:
        """How far a running job is."""
        self._change("done = ?, total = ?, message = ?", "id = ? AND state = 'running'", done, total, message, job)

    def end(self, job: str, state: State, message: str = "") -> None:
        """A running job is over."""
        self._change(
            "state = ?, message = ?, ended = ?", "id = ? AND state = 'running'", state, message, time.time(), job
        )

    def ask(self, job: str, what: Literal["stop", "kill"]) -> None:
        """Cancel a job that waits; ask a running one to leave."""
        if not self._change("state = 'cancelled', ended = ?", "id = ? AND state = 'queued'", time.time(), job):
            self._change("asked = ?", "id = ? AND state = 'running'", what, job)

    def again(self, job: str) -> bool:
        """Put a job that failed, was cancelled or interrupted back into the queue."""
        return self._change(
            "state = 'queued', created = ?, ended = NULL, message = '', asked = ''",
            "id = ? AND state IN ('failed', 'cancelled', 'interrupted')",
            time.time(),
            job,
        )

    def interrupt(self) -> None:
        """What stands as running was left by a worker that is no more."""
        self._change("state = 'interrupted', ended = ?", "state = 'running'", time.time())

    def forget(self, job: str) -> None:
        """Remove a job that is not open."""
        with self._open() as db:
            db.execute("DELETE FROM jobs WHERE id = ? AND state NOT IN ('queued', 'running')", (job,))

    def version(self) -> Iterator[int]:
        """A number, each time it is asked for, that is another one when anything has changed."""
        db = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
        try:
            while True:
                yield db.execute("PRAGMA data_version").fetchone()[0]
        finally:
            db.close()

    def _select(self, where: str, *values: Any) -> list[Job]:
        with self._open() as db:
            db.row_factory = sqlite3.Row
            rows = [dict(row) for row in db.execute(f"SELECT * FROM jobs {where}", values)]
        return [Job(**{**row, "payload": json.loads(row["payload"])}) for row in rows]

    def _change(self, change: str, where: str, *values: Any) -> bool:
        with self._open() as db:
            return db.execute(f"UPDATE jobs SET {change} WHERE {where}", values).rowcount == 1

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=30)
        try:
            with db:
                yield db
        finally:
            db.close()
