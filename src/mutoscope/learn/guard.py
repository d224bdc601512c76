"""What a learner's file may not do, told by its name: an audit hook (PEP 578) that refuses it.

The interpreter asks the hook before it acts, so it knows what was tried and says so. It does not see what libraries do
in other languages, as `torch.save` does; `wall` stops those without a name.
"""

import os
from pathlib import Path
from typing import Any

LONGEST = 4096  # no system opens a longer path
SHOWN = 200
CHANGES: dict[str, tuple[str, tuple[tuple[int, int | None], ...]]] = {
    "os.remove": ("delete", ((0, 1),)),
    "os.rmdir": ("delete", ((0, 1),)),
    "shutil.rmtree": ("delete", ((0, 1),)),
    "os.rename": ("rename", ((0, 2), (1, 3))),
    "os.mkdir": ("make", ((0, 2),)),
    "os.link": ("link", ((0, 2), (1, 3))),
    "os.symlink": ("link", ((1, 2),)),
    "os.truncate": ("cut", ((0, None),)),
    "os.chmod": ("change", ((0, 2),)),
    "os.chown": ("change", ((0, 3),)),
    "os.utime": ("change", ((0, 3),)),
    "os.setxattr": ("change", ((0, None),)),
    "os.removexattr": ("change", ((0, None),)),
    "sqlite3.connect": ("write to", ((0, None),)),
}
"""Events about paths: what they do, and where among their arguments each path and the folder it starts from are."""
ESCAPES = {
    "subprocess.Popen": "start a program", "os.system": "start a program", "os.exec": "start a program",
    "os.posix_spawn": "start a program", "os.spawn": "start a program", "os.startfile": "start a program",
    "os.fork": "start a process", "os.forkpty": "start a process", "os.kill": "end a process",
    "os.killpg": "end a process", "ctypes.dlopen": "load a library of C", "socket.connect": "open a connection",
    "socket.bind": "open a connection", "socket.sendto": "open a connection", "socket.sendmsg": "open a connection",
    "socket.getaddrinfo": "open a connection", "socket.gethostbyname": "open a connection",
}  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Refused(PermissionError):
    """Something that an exercise does not need."""


class Guard:
    """An audit hook: `refused` is the first thing that was not allowed, also where the file caught the error."""

    def __init__(self, folder: Path):
        self._folder = f"{folder.resolve()}{os.sep}"
        self.refused: str | None = None

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """What the interpreter tells before it does something."""
        if event == "open":
            path, _, flags = args
            if isinstance(flags, int) and flags & WRITES and path != os.devnull and not self._inside(path):
                self._refuse(f"write to {_shown(path)}")
        elif event in CHANGES:
            self._look(event, args)
        elif event in ESCAPES:
            self._refuse(ESCAPES[event])

    def no_program(self, *_: Any) -> int:
        """Stands where a program would be started without an event."""
        self._refuse("start a program")
        return 0

    def _look(self, event: str, args: tuple[Any, ...]) -> None:
        what, places = CHANGES[event]
        for path, start in places:
            given = args[start] if start is not None and start < len(args) else None
            if event == "os.mkdir" and os.path.lexists(args[path]):
                continue  # fails without a change: how libraries make sure that their folders are there
            if not self._inside(args[path], given):
                self._refuse(f"{what} {_shown(args[path])}")

    def _inside(self, path: Any, start: int | None = None) -> bool:
        if isinstance(path, int):  # a descriptor that is open already
            return True
        name = os.fsdecode(path)
        if start is not None and start >= 0 and os.path.exists(f"/proc/self/fd/{start}"):
            name = os.path.join(os.readlink(f"/proc/self/fd/{start}"), name)
        return len(name) > LONGEST or f"{os.path.realpath(name)}{os.sep}".startswith(self._folder)

    def _refuse(self, what: str) -> None:
        self.refused = self.refused or what
        raise Refused(f"your file tries to {what}; an exercise needs nothing of the kind.")


def _shown(path: Any) -> str:
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    return name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
