"""The web application of one workspace: the pages' files, their questions, and one stream of what changes."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from .. import __version__
from .api import ask, compare, data, figures, generate, inside, jobs, learn, runs, train
from .context import Studio
from .events import Events
from .forms import Refused
from .jobs import QueueFull
from .queue import Queue
from .run_list import RunList
from .workspace import Workspace

STATIC = Path(__file__).parent / "static"


def build_app(workspace: Workspace) -> FastAPI:
    """Everything but the guard at the door."""
    app = FastAPI(title="Mutoscope studio", version=__version__, docs_url=None, redoc_url=None)
    queue, run_list = Queue(workspace), RunList(workspace)
    app.state.studio = Studio(workspace, queue, run_list, Events(queue.jobs, run_list))
    for part in (runs, train, generate, data, compare, inside, learn, figures, ask, jobs):
        app.include_router(part.router)
    app.include_router(learn.pages)
    _answers_to_errors(app)

    @app.get("/api/about")
    def about() -> dict[str, str]:
        """Which program this is, and where it works."""
        return {"version": __version__, "workspace": str(workspace.folder)}

    @app.get("/api/events")
    async def events() -> StreamingResponse:
        """Server-sent events: `jobs`, `run` with its name."""
        stream = app.state.studio.events.stream()
        return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    app.mount("/static", _Fresh(directory=STATIC))
    return app


class _Fresh(StaticFiles):
    """Files that a browser asks about each time, so that a new version shows at once."""

    def file_response(self, *args, **kwargs):
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def _answers_to_errors(app: FastAPI) -> None:
    """Every refusal is {"message", "fields"}: words for people, beside the field where there is one."""

    def answer(status: int, message: str, fields: dict[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"message": message, "fields": fields or {}}, status)

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return answer(422, str(error), error.fields)

    @app.exception_handler(RequestValidationError)
    async def not_typed(request: Request, error: RequestValidationError) -> JSONResponse:
        fields = {".".join(str(part) for part in e["loc"][1:]): str(e["msg"]) for e in error.errors()}
        return answer(422, "; ".join(f"{name}: {words}" for name, words in fields.items()), fields)

    @app.exception_handler(QueueFull)
    async def full(request: Request, error: QueueFull) -> JSONResponse:
        return answer(429, str(error))

    @app.exception_handler(LookupError)
    async def missing(request: Request, error: LookupError) -> JSONResponse:
        return answer(404, str(error.args[0]) if error.args else "there is no such thing")

    @app.exception_handler(ValueError)
    async def unfit(request: Request, error: ValueError) -> JSONResponse:
        from ..errors import one_line

        return answer(422, one_line(error))
