"""What has changed, told to every open page as server-sent events: names only, the page asks for the rest."""

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from .jobs import Jobs
from .run_list import RunList

POLL_S, SILENCE_S = 0.4, 15.0
RUNS_EVERY = 3  # polls


class Events:
    """One watcher for any number of pages; it rests while there are none."""

    def __init__(self, jobs: Jobs, runs: RunList):
        self._jobs, self._runs = jobs, runs
        self._pages: set[asyncio.Queue[str]] = set()
        self._watcher: asyncio.Task | None = None
        self._ended = False

    def end(self) -> None:
        """Close all streams: a server that leaves would wait for its pages otherwise."""
        self._ended = True
        for page in list(self._pages):
            if not page.full():
                page.put_nowait("")

    async def stream(self) -> AsyncIterator[str]:
        """Events of one page, from now on; a comment in silence, so that a lost connection shows."""
        page: asyncio.Queue[str] = asyncio.Queue(maxsize=64)
        self._pages.add(page)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        try:
            yield 'retry: 1000\nevent: hello\ndata: ""\n\n'
            while not self._ended:
                try:
                    yield await asyncio.wait_for(page.get(), SILENCE_S)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._pages.discard(page)

    async def _watch(self) -> None:
        version, runs = self._jobs.version(), await run_in_threadpool(self._marks)
        before, rounds = next(version), 0
        while self._pages:
            await asyncio.sleep(POLL_S)
            if (now := next(version)) != before:
                before = now
                self._tell("jobs", "")
            rounds += 1
            if rounds % RUNS_EVERY == 0:
                fresh = await run_in_threadpool(self._marks)
                for run in {run for run in {*runs, *fresh} if runs.get(run) != fresh.get(run)}:
                    self._tell("run", run)
                runs = fresh

    def _marks(self) -> dict[str, tuple]:
        rows = self._runs.all()
        return {row["id"]: (row["state"], row["stage"], row["step"], row["changed"]) for row in rows}

    def _tell(self, event: str, data: str) -> None:
        for page in list(self._pages):
            if page.full():  # it reads too slowly: the newest matter
                page.get_nowait()
            page.put_nowait(f"event: {event}\ndata: {json.dumps(data)}\n\n")
