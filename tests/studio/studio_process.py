"""A studio as a person starts it: a process of its own, with its worker."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


class StudioProcess:
    """`with StudioProcess(folder) as studio: studio.address`."""

    def __init__(self, folder: Path, port: int = 0):
        self.folder, self.port = folder, port

    def __enter__(self) -> "StudioProcess":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def start(self) -> None:
        command = [sys.executable, "-m", "mutoscope", "studio", str(self.folder), "--no-browser"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        said = self.process.stdout.readline()
        match = re.search(r"http://localhost:(\d+)/", said)
        assert match, f"the studio said {said!r}"
        self.address, self.port = match[0], int(match[1])
        self.wait_for(lambda: self.ask("api/about"))

    def ask(self, path: str) -> bytes:
        return urllib.request.urlopen(self.address + path, timeout=10).read()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()

    def workers(self) -> list[int]:
        """Process ids of the workers of this workspace."""
        mark = f"mutoscope.studio.worker\0{self.folder.resolve()}\0".encode()
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if mark in place.read_bytes():
                    found.append(int(place.parent.name))
            except OSError:
                continue
        return found

    def kill_worker(self) -> None:
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    @staticmethod
    def wait_for(found, seconds: float = 60.0):
        """What `found` gives, as soon as it gives something."""
        end = time.monotonic() + seconds
        while True:
            try:
                if value := found():
                    return value
            except OSError:
                pass
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.05)
