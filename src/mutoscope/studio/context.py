"""What the answers of one server share."""

import shutil
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from .events import Events
from .queue import Queue
from .run_list import RunList
from .workspace import Workspace


@dataclass(frozen=True)
class Studio:
    """One workspace and what is known of it."""

    workspace: Workspace
    queue: Queue
    runs: RunList
    events: Events

    def forget(self, job: str) -> None:
        """Remove a job that is over, and its files; one that is open stays."""
        folder = self.workspace.job_folder(job)
        self.queue.jobs.forget(job)
        try:
            self.queue.jobs.get(job)
        except LookupError:
            shutil.rmtree(folder, ignore_errors=True)


def studio_of(request: Request) -> Studio:
    """The studio that a request has come to."""
    return cast(Studio, request.app.state.studio)
