"""A small server that speaks the OpenAI-compatible protocol, and can misbehave in every way in which servers do."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = Callable[["Speaker"], None]


class Speaker(BaseHTTPRequestHandler):
    """One request. `said` is what was asked, `authorization` with which key."""

    reply: Reply
    asked: list[dict]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.said, self.authorization = json.loads(body), self.headers.get("authorization", "")
        self.asked.append({"path": self.path, "body": self.said, "authorization": self.authorization})
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            type(self).reply(self)

    def begin(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def write(self, data: str | bytes) -> None:
        self.wfile.write(data.encode() if isinstance(data, str) else data)
        self.wfile.flush()

    def piece(self, text: str, finish: str | None = None) -> None:
        """One event of a stream."""
        choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
        self.write(f"data: {json.dumps({'choices': [choice]})}\n\n")

    def end(self) -> None:
        self.piece("", finish="stop")
        self.write("data: [DONE]\n\n")

    def log_message(self, *words) -> None:
        pass


def says(*texts: str, pause_s: float = 0.0) -> Reply:
    """A stream as it should be."""

    def reply(speaker: Speaker) -> None:
        speaker.begin()
        for text in texts:
            speaker.piece(text)
            time.sleep(pause_s)
        speaker.end()

    return reply


def refuses(status: int, text: str = "", **headers: str) -> Reply:
    def reply(speaker: Speaker) -> None:
        speaker.begin(status, "application/json", **headers)
        speaker.write(text.replace("KEY", speaker.authorization.removeprefix("Bearer ")))

    return reply


def sends(*parts: str | bytes, kind: str = "text/event-stream") -> Reply:
    """Bytes as they are."""

    def reply(speaker: Speaker) -> None:
        speaker.begin(kind=kind)
        for part in parts:
            speaker.write(part)

    return reply


def waits(seconds: float, *before: str) -> Reply:
    """Some pieces, then silence."""

    def reply(speaker: Speaker) -> None:
        speaker.begin()
        for text in before:
            speaker.piece(text)
        time.sleep(seconds)

    return reply


@contextlib.contextmanager
def speaking(reply: Reply) -> Iterator[tuple[str, list[dict]]]:
    """Its address, and what it was asked."""
    asked: list[dict] = []
    handler = type("Handler", (Speaker,), {"reply": staticmethod(reply), "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()
