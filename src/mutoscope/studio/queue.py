"""The queue that wakes the worker: two lanes, so that a video need not wait for a training to end."""

from collections.abc import Callable

from huey import SqliteHuey

from .jobs import Job, Jobs, Kind
from .workspace import Workspace

LANES: dict[Kind, str] = {
    "train": "long", "evaluate": "long", "chapter": "long", "generate": "short", "strip": "short", "words": "short",
    "figure": "short",
}  # fmt: skip
"""By kind of job; what is in one lane is done one after the other."""


class Lane:
    """Jobs of one lane, by id. `work` is called with each, in the worker; elsewhere jobs are only put in."""

    def __init__(self, workspace: Workspace, name: str, work: Callable[[str], None] | None = None):
        self.huey = SqliteHuey(name, filename=str(workspace.own / "queue.db"), results=False, immediate=False)

        def taken(job: str) -> None:  # the queue finds it by this module's name, in server and worker alike
            (work or _nothing)(job)

        self._task = self.huey.task(name="work")(taken)

    def put(self, job: str) -> None:
        """At the end."""
        self.huey.enqueue(self._task.s(job))

    def waiting(self) -> set[str]:
        """Jobs that wait."""
        return {task.args[0] for task in self.huey.pending()}


class Queue:
    """Jobs, and the lanes that bring them to the worker."""

    def __init__(self, workspace: Workspace, work: Callable[[str], None] | None = None):
        workspace.prepare()
        self.jobs = Jobs(workspace.own / "jobs.db")
        self.lanes = {name: Lane(workspace, name, work) for name in set(LANES.values())}

    def submit(self, kind: Kind, title: str, subject: str, payload: dict) -> Job:
        """A new job; QueueFull where too many wait."""
        job = self.jobs.add(kind, title, subject, payload)
        self.lanes[LANES[kind]].put(job.id)
        return job

    def again(self, job: Job) -> bool:
        """Once more, with the same id."""
        if not self.jobs.again(job.id):
            return False
        self.lanes[LANES[job.kind]].put(job.id)
        return True

    def mend(self) -> None:
        """Put jobs into their lane that a kill between table and lane, or between lane and work, has left out."""
        for job in self.jobs.queued():
            lane = self.lanes[LANES[job.kind]]
            if job.id not in lane.waiting():
                lane.put(job.id)


def _nothing(job: str) -> None:
    """The server's side of a lane: it never works."""
    raise RuntimeError(f"job {job} was taken outside the worker")
