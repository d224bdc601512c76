"""Checks a learner's answer in a process of its own, with limits. Imports no torch."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import suggestion
from .child import BEGUN
from .endpoint import without_key
from .exercises import exercises

LIMIT_S = 8.0
LARGEST = 1 << 20
"""Bytes of a file."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
"""What would move a terminal's cursor or clear it, from a file that is copied from somewhere."""
MOST_PRINTED = 4000
"""Characters of what the file prints that are shown."""


@dataclass(frozen=True)
class Verdict:
    """What is said about an answer."""

    exercise: str
    right: bool
    headline: str
    hint: str | None
    """What to look at; None where it is right."""
    printed: str
    """What the file printed, cut."""
    seconds: float

    def __str__(self) -> str:
        """In words, for terminals and notebooks."""
        lines = [f"{self.exercise}: {self.headline}"]
        lines += [self.hint] if self.hint else []
        lines += [f"It printed:\n{self.printed.rstrip()}"] if self.printed.strip() else []
        return CONTROL.sub("", "\n".join(lines))


def check(name: str, source: str, limit_s: float = LIMIT_S) -> Verdict:
    """Run the answer to an exercise and judge it. source: a Python file that defines a function of that name.

    limit_s: seconds until it is ended, torch's import included. ValueError for an exercise that there is not, and for
    a source that is too long or no text.
    """
    if name not in exercises():
        raise ValueError(
            f"there is no exercise {name!r}.{suggestion(name, exercises())} There are: {', '.join(exercises())}."
        )
    try:
        data = source.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the file holds half characters: save it as UTF-8.") from error
    if len(data) > LARGEST:
        raise ValueError(f"the file is {len(data):,} bytes long; {LARGEST:,} are read at most. Is it the right one?")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutoscope-check-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "answer.py").write_bytes(data)
        said, printed, ended = _run(name, Path(folder), limit_s)
    answer = _answer(said) or _without_a_word(said, ended, limit_s)
    seconds = time.monotonic() - begun
    return Verdict(name, answer["right"], answer["headline"], answer["hint"], printed, round(seconds, 2))


def _run(name: str, folder: Path, limit_s: float) -> tuple[bytes, str, int | None]:
    """What the child said, what its file printed, and how it ended; None where it had to be ended."""
    reading, writing = os.pipe()
    # -P: the folder of the file is not searched for modules, or a file named like one of ours would be imported.
    command = [sys.executable, "-P", "-m", f"{__package__}.child", name, "answer.py", str(writing), str(limit_s)]
    environment = {
        **without_key(os.environ), "OMP_NUM_THREADS": "1", "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "",  # the same answer on every machine, and no device to begin with
        "TORCHDYNAMO_DISABLE": "1",  # torch.compile would start a compiler
    }  # fmt: skip
    child = subprocess.Popen(
        command, cwd=folder, env=environment, pass_fds=(writing,), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    os.close(writing)
    kept: list[bytes] = []
    assert child.stdout is not None
    reader = threading.Thread(target=_keep, args=(child.stdout, kept), daemon=True)
    reader.start()
    try:
        ended: int | None = child.wait(limit_s)
    except subprocess.TimeoutExpired:
        ended = None
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # with what it has started
    child.wait()
    reader.join(1)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    return said, _cut(b"".join(kept).decode(errors="replace")), ended


def _keep(stream: IO[bytes], kept: list[bytes]) -> None:
    """Read to the end, so that nobody waits, and keep the beginning."""
    while piece := stream.read1(1 << 16):  # pyright: ignore[reportAttributeAccessIssue]
        if sum(map(len, kept)) < 2 * MOST_PRINTED:
            kept.append(piece)


def _cut(printed: str) -> str:
    return printed if len(printed) <= MOST_PRINTED else printed[:MOST_PRINTED] + " … (cut here)"


def _answer(said: bytes) -> dict | None:
    """What the child told; None where it did not come to it, or the file wrote into its pipe."""
    try:
        told = json.loads(said.removeprefix(BEGUN))
    except ValueError:
        return None
    return told if isinstance(told, dict) and {"right", "headline", "hint"} <= told.keys() else None


def _without_a_word(said: bytes, ended: int | None, limit_s: float) -> dict:
    headline, hint = "it fails", "Its process ended without an answer, as after os._exit() or os.close()."
    if ended is None:
        headline, hint = (
            "it takes too long",
            f"It was ended after {limit_s:.0f} s. Is there a loop or a recursion without end?",
        )
        if not said.startswith(BEGUN):
            hint = f"After {limit_s:.0f} s torch was not loaded yet: the machine is busy. Try again when it is less so."
    elif ended in (-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS):
        headline = "it was ended by the system"
        why = "too much memory, a recursion without end, or a crash in a library"
        hint = f"The system ended it ({signal.Signals(-ended).name}): {why}."
    return {"right": False, "headline": headline, "hint": hint}
