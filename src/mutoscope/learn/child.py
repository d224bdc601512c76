"""The process that runs a learner's file: `python -m mutoscope.learn.child NAME FILE VERDICT_FD LIMIT_S`.

It keeps a file that goes wrong from doing harm: memory, sizes of files and processor time are limited by the system,
and what would change files, start programs or open connections is refused by `guard`, and where Linux can by `wall`.
That protects from accidents, as in a file copied from somewhere; it is no prison for somebody who wants to get out, on
what is their own machine.
"""

import _posixsubprocess
import ast
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from ..errors import suggestion
from .guard import SHOWN, Guard
from .wall import wall_in

MEMORY = 1 << 30
"""Bytes of writable memory; torch takes a quarter of them. More would take the system seconds to hand out."""
FILE_SIZE = 1 << 26
CPU_SECONDS = 20
BEGUN = b"begun\n"
"""Told when torch is there and the learner's file begins."""
MARGIN_S = 1.0
"""So long before the end the file is interrupted, to tell where it was."""


class TooLong(BaseException):
    """The time is over. No Exception, so that few files catch it."""


def limited() -> None:
    """Put the limits on this process. Writable memory rather than address space: torch reserves more than it uses."""
    for what, most in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def interrupt(seconds: float) -> None:
    """Raise TooLong in the main thread after some seconds; 0 = no longer."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def unwritten(tree: ast.Module, name: str) -> bool:
    """Whether the function is still the starter: a docstring and `...`, or another way to say nothing."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            rest = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
            return all(isinstance(one, ast.Pass) or "NotImplementedError" in ast.unparse(one) for one in rest)
    return False


def run(name: str, file: Path, pipe: int, deadline: float) -> dict[str, Any]:
    """Headline and hint about a file; `right` tells the rest. Never raises for what is in the file.

    deadline: on the clock of time.monotonic, when it is interrupted.
    """
    try:
        tree = ast.parse(file.read_bytes(), file.name)  # bytes: the mark that some editors begin a file with is known
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _syntax(error)
    if unwritten(tree, name):
        return {"right": False, "headline": "not written yet", "hint": f"Write the body of `{name}`, then check again."}
    wall_in(Path.cwd())  # before torch is there, which may start threads
    from .judge import judge

    exercise = import_module(f".exercises.{name}", __package__)
    limited()
    guard = Guard(Path.cwd())
    os.write(pipe, BEGUN)
    sys.addaudithook(guard)
    _posixsubprocess.fork_exec = guard.no_program  # no event tells of it where multiprocessing calls it
    try:
        interrupt(max(0.5, deadline - time.monotonic()))
        module = ModuleType("solution")  # dataclasses and others look for the module of what they are given
        module.__file__ = file.name
        sys.modules["solution"] = module
        exec(compile(tree, file.name, "exec"), module.__dict__)
        solution = module.__dict__.get(name)
        if callable(solution):
            found = judge(exercise, solution, file.name)
            answer: dict[str, Any] = {"right": found.right, "headline": found.headline, "hint": found.hint}
        else:
            headline, hint = f"there is no function `{name}` in the file", _missing(name, tree, module.__dict__)
            answer = {"right": False, "headline": headline, "hint": hint}
        interrupt(0)
    except BaseException as error:  # also SystemExit and KeyboardInterrupt: the file is what is being judged
        interrupt(0)
        answer = _failed(error, file.name)
    return _refused(answer, guard.refused)


def _missing(name: str, tree: ast.Module, defined: dict[str, Any]) -> str:
    """What to do where there is no function of the name at the top level."""
    for node in ast.walk(tree):
        inside = [one.name for one in getattr(node, "body", ()) if isinstance(one, ast.FunctionDef)]
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and name in inside:
            return f"`{name}` is inside `{node.name}`: move it out, to the beginning of a line."
    if name in defined:
        return f"`{name}` is of type {type(defined[name]).__name__} there. Define a function: `def {name}(…):`."
    there = [key for key, value in defined.items() if callable(value) and not key.startswith("_")]
    return f"Define `{name}`.{suggestion(name, there)}"


def _refused(answer: dict[str, Any], what: str | None) -> dict[str, Any]:
    """The answer, or a refusal instead where the guard knows of one or the wall left its words."""
    if what:
        hint = f"Your file tries to {what}. An exercise needs nothing of the kind, and it was not done."
    elif "Permission denied" in (answer["hint"] or ""):
        hint = f"Outside its own folder your file may change nothing, and nothing was done. {answer['hint']}"
    else:
        return answer
    return {"right": False, "headline": "refused", "hint": hint}


def _syntax(error: BaseException) -> dict[str, Any]:
    hint = str(error)
    if isinstance(error, SyntaxError) and error.text:
        line = error.text.rstrip("\n")
        place = min(max(0, (error.offset or 1) - 1), len(line))
        cut = max(0, place - SHOWN // 2)  # of a long line the part around the place
        hint = f"line {error.lineno}: {error.msg}\n{line[cut : cut + SHOWN]}\n{' ' * (place - cut)}^"
        if line.lstrip().startswith(("%", "!", "```")):
            hint += "\nLeave out commands of notebooks and marks around code: the file is Python only."
    return {"right": False, "headline": "this is not Python", "hint": hint}


def _failed(error: BaseException, file: str) -> dict[str, Any]:
    from .judge import failure, where

    if isinstance(error, TooLong):
        hint = f"Its time was over. Is there a loop or a recursion without end?{where(error, file)}"
        return {"right": False, "headline": "it takes too long", "hint": hint}
    left = isinstance(error, SystemExit)
    hint = "The file leaves with sys.exit() or exit(): remove that." if left else failure(error, file)
    return {"right": False, "headline": "it fails", "hint": hint}


def main() -> None:
    """Read, run, and tell through a pipe that the file does not know of, so that what it prints is not taken for it."""
    name, file, pipe, limit_s = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    sys.dont_write_bytecode = True
    answer = run(name, file, pipe, time.monotonic() + limit_s - MARGIN_S)
    with suppress(OSError):  # where the file has closed it
        os.write(pipe, json.dumps(answer).encode())
    with suppress(OSError, ValueError, AttributeError):  # or its standard output
        sys.stdout.flush()
    os._exit(0)  # threads and exit handlers of the file are not waited for


if __name__ == "__main__":
    main()
