"""The process that does the work, one per workspace: `python -m mutoscope.studio.worker WORKSPACE PARENT`.

It alone loads torch. It lives as long as its server: when that ends, however it ends, a running training saves and the
worker leaves. A worker that was killed leaves its jobs marked as running; the next one marks them as interrupted.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from .commands import run_command
from .jobs import Job
from .queue import LANES, Queue
from .workspace import Workspace

LOCK = "worker.lock"
POLL_S = 0.5


class Worker:
    """Takes jobs from both lanes and does one of each at a time."""

    def __init__(self, workspace: Workspace):
        self._workspace, self._leaving = workspace, threading.Event()
        self._queue = Queue(workspace, self._work)
        self._videos = None

    def run(self, parent: int) -> None:
        """Until the process `parent` is gone or a signal comes."""
        self._queue.jobs.interrupt()
        self._queue.mend()
        consumers = [
            lane.huey.create_consumer(workers=1, periodic=False, check_worker_health=False, max_delay=1.0)
            for lane in self._queue.lanes.values()
        ]
        for consumer in consumers:
            consumer.start()
        for number in (signal.SIGINT, signal.SIGTERM):  # after start, which sets the queue's own
            signal.signal(number, lambda *_: self._leaving.set())
        while not self._leaving.wait(POLL_S) and os.getppid() == parent:
            pass
        self._leaving.set()
        for consumer in consumers:
            consumer.stop(graceful=True)

    def _work(self, job: str) -> None:
        jobs = self._queue.jobs
        if self._leaving.is_set() or not jobs.claim(job):  # cancelled meanwhile, or done already
            return
        try:
            state, message = self._do(jobs.get(job))
            jobs.end(job, state, message)
        except Exception as error:
            from ..errors import is_users, one_line

            jobs.end(job, "failed", one_line(error))
            if not is_users(error):
                raise  # into the worker's log

    def _do(self, job: Job):
        jobs = self._queue.jobs
        if LANES[job.kind] == "long":
            return run_command(job, jobs, self._workspace, self._leaving)
        from .videos import Videos  # loads torch, at the first video

        if self._videos is None:
            self._videos = Videos(self._workspace)
        if job.kind == "strip":
            from .strip import look_through

            return look_through(job, jobs, self._leaving, self._workspace, self._videos.pipeline(job.subject))
        if job.kind == "words":
            from .looked_at import look

            return look(job, jobs, self._leaving, self._workspace, self._videos)
        if job.kind == "figure":
            from .figures import draw_figure

            return draw_figure(job, jobs, self._leaving, self._workspace, self._videos.pipeline(""))
        return self._videos.make(job, jobs, self._leaving)


def main() -> None:
    """The process."""
    workspace, parent = Workspace(Path(sys.argv[1])), int(sys.argv[2])
    workspace.prepare()
    lock = FileLock(workspace.own / LOCK, timeout=0)
    try:
        with lock:
            Worker(workspace).run(parent)
    except Timeout:
        return  # another worker serves this workspace


if __name__ == "__main__":
    main()
