"""The server's process: binds, opens the browser, keeps a worker alive beside it."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable
from types import FrameType

import uvicorn

from ..learn.endpoint import without_key
from .app import build_app
from .events import Events
from .guard import LOCAL, Guard
from .workspace import Workspace

LOOPBACK = ("127.0.0.1", "::1", "localhost")
AGAIN_AFTER_S = 2.0


def serve(workspace: Workspace, host: str, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Until Ctrl-C. port 0 = any that is free. ValueError where the port is in use."""
    workspace.prepare()
    local = host in LOOPBACK
    token = "" if local else secrets.token_urlsafe(24)
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    address = f"http://{'localhost' if local else host}:{port}/" + (f"?token={token}" if token else "")
    # Elsewhere it is asked by names nobody can foresee: there the token keeps strangers out.
    studio = build_app(workspace)
    app = Guard(studio, hosts=LOCAL if local else (), token=token)
    server = _Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3), studio.state.studio.events)
    say(f"studio of {workspace.folder}: {address}   (Ctrl-C ends it)")
    if browser:
        threading.Timer(0.3, webbrowser.open, [address]).start()
    ending = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=(workspace, ending))
    keeper.start()
    try:
        server.run(sockets=[listener])
    finally:
        ending.set()
        keeper.join()


class _Server(uvicorn.Server):
    """Ends the pages' streams when it is asked to leave."""

    def __init__(self, config: uvicorn.Config, events: Events):
        super().__init__(config)
        self._events = events

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C or SIGTERM."""
        asyncio.get_running_loop().call_soon_threadsafe(self._events.end)
        super().handle_exit(sig, frame)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        return listener
    except OSError as error:
        raise ValueError(f"{host}:{port} cannot be used ({error.strerror}). Try --port 0, any that is free.") from error


def _keep_worker(workspace: Workspace, ending: threading.Event) -> None:
    """A worker beside the server, and another one where it was killed. One that serves another server stays alone."""
    command = [sys.executable, "-m", "mutoscope.studio.worker", str(workspace.folder), str(os.getpid())]
    while not ending.is_set():
        with (workspace.own / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=without_key(os.environ),
            )  # fmt: skip
        while worker.poll() is None and not ending.wait(0.2):
            pass
        if ending.is_set() and worker.poll() is None:
            worker.terminate()
            worker.wait()
        ending.wait(AGAIN_AFTER_S)
