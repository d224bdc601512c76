"""What the answers of one server share."""

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


def studio_of(request: Request) -> Studio:
    """The studio that a request has come to."""
    return cast(Studio, request.app.state.studio)
