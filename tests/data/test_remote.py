"""Files from a web server come whole or the address is named; a server that stumbles is asked again."""

import errno
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mutoscope.data import remote
from mutoscope.data.remote import download, is_address, read_text


@pytest.fixture
def server(monkeypatch):
    """answers: what the server says, one after the other, the last one for ever. asked: paths."""
    monkeypatch.setattr(remote, "WAIT_S", 0.001)
    monkeypatch.setattr(remote, "TIMEOUT_S", 0.5)

    class Handler(BaseHTTPRequestHandler):
        answers, asked, released = [], [], threading.Event()

        def do_GET(self):
            self.asked.append(self.path)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            answer(self)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Handler.address = f"http://127.0.0.1:{server.server_port}/set/000000.tar"
    yield Handler
    Handler.released.set()
    server.shutdown()
    server.server_close()


def whole(handler, content=b"0123456789", length=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(length or len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def cut_off(handler):
    whole(handler, b"01234", length=10)


def short(handler):
    whole(handler, b"01234")


def hanging(handler):
    if not handler.released.wait(10):
        handler.asked.append("waited until the end")


def says(code, **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


@pytest.mark.parametrize("stumble", [cut_off, short, hanging, says(503)], ids=["cut off", "short", "hanging", "503"])
def test_a_server_that_stumbles_is_asked_again(server, tmp_path, stumble):
    server.answers = [stumble, whole]
    download(server.address, tmp_path / "a.tar", 10)
    assert (tmp_path / "a.tar").read_bytes() == b"0123456789" and len(server.asked) == 2
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("answer", "attempts", "why"),
    [
        (says(404), 1, "the server says 404 Not Found, 1 attempts"),
        (says(503), 4, "the server says 503"),
        (short, 4, "5 bytes came instead of 10, 4 attempts"),
        (says(302, Location="ftp://127.0.0.1/a.tar"), 4, "unknown url type: ftp"),
        (says(302, Location="file:///etc/passwd"), 1, "the server says 302"),
    ],
    ids=["404", "503", "short", "to ftp", "to a file"],
)
def test_what_cannot_be_had_names_the_address(server, tmp_path, answer, attempts, why):
    server.answers = [answer]
    with pytest.raises(ValueError, match=why) as caught:
        download(server.address, tmp_path / "a.tar", 10)
    assert server.address in str(caught.value) and "\n" not in str(caught.value)
    assert len(server.asked) == attempts and not list(tmp_path.iterdir())


def test_no_server_at_all(server, tmp_path):
    with pytest.raises(ValueError, match=r"http://127.0.0.1:9/x cannot be read \(.*refused, 4 attempts\)"):
        read_text("http://127.0.0.1:9/x")


def test_a_full_disk_is_not_blamed_on_the_network(server, tmp_path, monkeypatch):
    def full(source, target, length):
        raise OSError(errno.ENOSPC, "No space left on device")

    server.answers = [whole]
    monkeypatch.setattr(remote.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        download(server.address, tmp_path / "a.tar", 10)
    assert len(server.asked) == 1


def test_only_web_addresses_are_addresses():
    assert is_address("https://host/set") and is_address("HTTP://host")
    assert not any(map(is_address, ["clips/", "file:///etc", "ftp://host", "pipe:cat /etc/passwd", "C:\\clips"]))
