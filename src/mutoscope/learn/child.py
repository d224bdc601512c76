"""The process that runs a learner's file: `python -m mutoscope.learn.child NAME FILE VERDICT_FD`.

It keeps a file that goes wrong from doing harm: memory and processor time are limited by the system, and what would
change files, start programs or open connections is refused by an audit hook (PEP 578). That protects from accidents, as
in a file copied from somewhere; it is no prison for somebody who wants to get out, on what is their own machine.
"""

import ast
import json
import os
import resource
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import suggestion

MEMORY = 3 << 29
"""Bytes of writable memory; torch takes a third of them. More would take the system seconds to hand out and refuse."""
CPU_SECONDS = 20
CHANGES = {
    "os.remove": "delete", "os.rmdir": "delete", "shutil.rmtree": "delete", "os.rename": "rename", "os.mkdir": "make",
    "os.link": "link", "os.symlink": "link", "os.truncate": "cut", "os.chmod": "change", "os.chown": "change",
    "os.utime": "change", "os.setxattr": "change", "shutil.move": "move", "shutil.copyfile": "copy",
}  # fmt: skip
"""Events about a path, and what they do to it."""
ESCAPES = {
    "subprocess.Popen": "start a program", "os.system": "start a program", "os.exec": "start a program",
    "os.posix_spawn": "start a program", "os.spawn": "start a program", "os.startfile": "start a program",
    "os.fork": "start a process", "os.forkpty": "start a process", "os.kill": "end a process",
    "os.killpg": "end a process", "socket.connect": "open a connection", "socket.bind": "open a connection",
    "socket.getaddrinfo": "open a connection",
}  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Refused(PermissionError):
    """Something that an exercise does not need."""


class Guard:
    """An audit hook: `refused` is the first thing that was not allowed, also where the file caught the error."""

    def __init__(self, folder: Path):
        self._folder, self._thread = f"{folder.resolve()}{os.sep}", threading.get_ident()
        self.refused: str | None = None

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """What the interpreter tells before it does something."""
        if event == "open":
            path, _, flags = args
            if isinstance(flags, int) and flags & WRITES and path != os.devnull and not self._inside(path):
                self._refuse(f"write to {_shown(path)}")
        elif event in CHANGES:
            if not self._inside(args[0]):
                self._refuse(f"{CHANGES[event]} {_shown(args[0])}")
        elif event in ESCAPES:
            self._refuse(ESCAPES[event])

    def _inside(self, path: Any) -> bool:
        if isinstance(path, int):  # a descriptor that is open already
            return True
        return os.path.realpath(os.fsdecode(path)).startswith(self._folder)

    def _refuse(self, what: str) -> None:
        self.refused = self.refused or what
        raise Refused(f"your file tries to {what}; an exercise needs nothing of the kind.")


def _shown(path: Any) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)


def limited() -> None:
    """Put the limits on this process. Writable memory rather than address space: torch reserves more than it uses."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def unwritten(tree: ast.Module, name: str) -> bool:
    """Whether the function is still the starter: a docstring and `...`."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            rest = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
            return all(isinstance(one, ast.Pass) for one in rest)
    return False


def run(name: str, file: Path) -> dict[str, Any]:
    """Headline and hint about a file; `right` tells the rest. Never raises for what is in the file."""
    source = file.read_text()
    try:
        tree = ast.parse(source, file.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _syntax(error)
    if unwritten(tree, name):
        return {"right": False, "headline": "not written yet", "hint": f"Write the body of `{name}`, then check again."}
    from .judge import judge

    exercise = import_module(f".exercises.{name}", __package__)
    limited()
    guard = Guard(Path.cwd())
    sys.addaudithook(guard)
    try:
        values: dict[str, Any] = {"__name__": "solution", "__file__": file.name}
        exec(compile(tree, file.name, "exec"), values)
        solution = values.get(name)
        if not callable(solution):
            there = [key for key, value in values.items() if callable(value) and not key.startswith("_")]
            hint = f"Define `{name}`.{suggestion(name, there)}"
            return {"right": False, "headline": f"there is no function `{name}` in the file", "hint": hint}
        found = judge(exercise, solution, file.name)
        answer: dict[str, Any] = {"right": found.right, "headline": found.headline, "hint": found.hint}
    except BaseException as error:  # also SystemExit and KeyboardInterrupt: the file is what is being judged
        answer = _failed(error, file.name)
    if guard.refused:
        hint = f"Your file tries to {guard.refused}. An exercise needs nothing of the kind, and it was not done."
        return {"right": False, "headline": "refused", "hint": hint}
    return answer


def _syntax(error: BaseException) -> dict[str, Any]:
    hint = str(error)
    if isinstance(error, SyntaxError) and error.text:
        line = error.text.rstrip("\n")[:200]
        caret = " " * max(0, (error.offset or 1) - 1) + "^"
        hint = f"line {error.lineno}: {error.msg}\n{line}\n{caret[: len(line) + 1]}"
    return {"right": False, "headline": "this is not Python", "hint": hint}


def _failed(error: BaseException, file: str) -> dict[str, Any]:
    from .judge import failure

    left = isinstance(error, SystemExit)
    hint = "The file leaves with sys.exit() or exit(): remove that." if left else failure(error, file)
    return {"right": False, "headline": "it fails", "hint": hint}


def main() -> None:
    """Read, run, and tell through a pipe that the file does not know of, so that what it prints is not taken for it."""
    name, file, pipe = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    sys.dont_write_bytecode = True
    answer = run(name, file)
    os.write(pipe, json.dumps(answer).encode())
    sys.stdout.flush()
    os._exit(0)  # threads and exit handlers of the file are not waited for


if __name__ == "__main__":
    main()
