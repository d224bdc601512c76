"""Looking at files that may be broken or hostile, in child processes: one that crashes or hangs harms nothing else.

A child answers one question after the other, in JSON lines. It is given up, killed and replaced when it is silent for
too long; it speaks up every `TICKS_PER_SIGN` frames, so a long video may take its time and a stuck decoder may not.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..video.probe import Probe
    from ..video.scenes import Scenes

TICKS_PER_SIGN = 500  # frames, or megabytes while a file is hashed
# -P: the folder that the user stands in is no place to import from.
CHILD = (sys.executable, "-P", "-m", "mutoscope.data.examine")
LIMIT_S = 20.0
"""Seconds without a sign of life after which a file is given up."""


class Trouble(NamedTuple):
    """Why a file could not be used: one or two words to count by, and a sentence."""

    reason: str
    words: str


def probe_files(paths: Sequence[Path], limit_s: float = LIMIT_S) -> Iterator["Probe | Trouble"]:
    """`probe` of every file, in order, several at a time."""
    from ..video.probe import Probe

    for answer in _examine([{"path": str(path)} for path in paths], limit_s):
        if isinstance(answer, Trouble):
            yield answer
        else:
            thumbnail, notes = b64decode(answer.pop("thumbnail")), tuple(map(tuple, answer.pop("notes")))
            yield Probe(**answer, thumbnail=thumbnail, notes=notes)


def scenes_of_files(
    paths: Sequence[Path], limits: dict[str, float], limit_s: float = LIMIT_S
) -> Iterator["Scenes | Trouble"]:
    """`find_scenes` of every file, in order, several at a time; limits: its thresholds by name."""
    from ..video.scenes import Scenes, Stretch

    for answer in _examine([{"path": str(path), "limits": limits} for path in paths], limit_s):
        if isinstance(answer, Trouble):
            yield answer
        else:
            yield Scenes(tuple(answer["times_s"]), tuple(Stretch(*stretch) for stretch in answer["stretches"]))


# --------------------------------------------------------------------------------------------------- parent


def _examine(questions: list[dict[str, Any]], limit_s: float) -> Iterator[dict[str, Any] | Trouble]:
    number = max(1, min(len(questions), os.cpu_count() or 1))
    examiners = [_Examiner(limit_s) for _ in range(number)]
    idle: queue.SimpleQueue[_Examiner] = queue.SimpleQueue()
    for examiner in examiners:
        idle.put(examiner)

    def ask(question: dict[str, Any]) -> dict[str, Any] | Trouble:
        examiner = idle.get()
        try:
            return examiner.ask(question)
        finally:
            idle.put(examiner)

    pool = ThreadPoolExecutor(number)
    try:
        for answer in [pool.submit(ask, question) for question in questions]:
            yield answer.result()
    finally:  # also when the user stops it, or nobody wants the rest
        pool.shutdown(wait=False, cancel_futures=True)
        for examiner in examiners:
            examiner.close()
        pool.shutdown()


class _Examiner:
    """One child process, replaced when it dies."""

    def __init__(self, limit_s: float):
        self._limit_s = limit_s
        self._child: subprocess.Popen[str] | None = None
        self._closed = False

    def ask(self, question: dict[str, Any]) -> dict[str, Any] | Trouble:
        """The answer, or the trouble that the child had, or was."""
        if self._child is None or self._child.poll() is not None:
            self._child = self._start()
            if self._closed:  # looked at after it can be seen, so that `close` or this line ends it
                self._stop(self._child)
        child, late = self._child, threading.Event()
        assert child.stdin is not None and child.stdout is not None
        with suppress(BrokenPipeError):  # it died while idle; reading tells
            _say(child.stdin, question)
        while True:
            timer = threading.Timer(self._limit_s, lambda: (late.set(), child.kill()))
            timer.start()
            line = child.stdout.readline()
            timer.cancel()
            if not line.endswith("\n"):
                self._stop(child)
                return _too_long(self._limit_s) if late.is_set() else _crashed(child.returncode)
            answer = json.loads(line)
            if "trouble" in answer:
                return Trouble(*answer["trouble"])
            if answer:
                return answer

    def close(self) -> None:
        """End the child, whatever it does; `ask` in another thread then returns."""
        self._closed = True
        if self._child is not None:
            self._stop(self._child)

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        child = subprocess.Popen(CHILD, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        assert child.stdout is not None
        child.stdout.readline()  # it is ready: loading libraries is not the file's fault
        return child

    @staticmethod
    def _stop(child: "subprocess.Popen[str]") -> None:
        child.kill()
        child.wait()


def _too_long(limit_s: float) -> Trouble:
    words = f"took longer than {limit_s:g} s without decoding {TICKS_PER_SIGN} frames; if it is fine, raise --limit-s."
    return Trouble("took too long", words)


def _crashed(code: int) -> Trouble:
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return Trouble("crashed the decoder", f"crashed the decoder ({how}); convert it to mp4, or leave it out.")


# ---------------------------------------------------------------------------------------------------- child


def main() -> None:
    """Answer questions from stdin until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    from ..video import probe, scenes  # noqa: F401 (loaded before the clock runs)

    _say(answers, {})
    for line in sys.stdin:
        _say(answers, _answer(json.loads(line), answers))


def _say(to: Any, what: dict[str, Any]) -> None:
    """One line into a text stream, at once."""
    to.write(json.dumps(what) + "\n")
    to.flush()


def _answer(question: dict[str, Any], answers: Any) -> dict[str, Any]:
    from ..video.formats import Unreadable, first_line

    path, ticks = Path(question["path"]), 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks % TICKS_PER_SIGN == 0:
            _say(answers, {})

    try:
        return _scenes(path, question["limits"], tick) if "limits" in question else _probe(path, tick)
    except Unreadable as error:
        inside = "" if error.path == path else f"holds {error.path.name}, which "
        return {"trouble": (error.reason, inside + error.words)}
    except PermissionError:
        return {"trouble": ("no permission", "may not be read; change its permissions.")}
    except OSError as error:
        return {"trouble": ("not readable", f"cannot be read: {error.strerror or first_line(error)}.")}
    except Exception as error:  # whatever a decoder comes up with: it is this file's trouble, not the scan's
        return {"trouble": ("not readable", f"cannot be used: {type(error).__name__}, {first_line(error)}.")}


def _probe(path: Path, tick: Callable[[], None]) -> dict[str, Any]:
    from ..video.probe import probe

    found = probe(path, tick)
    return vars(found) | {"thumbnail": b64encode(found.thumbnail).decode()}


def _scenes(path: Path, limits: dict[str, float], tick: Callable[[], None]) -> dict[str, Any]:
    from ..video.scenes import find_scenes

    return vars(find_scenes(path, **limits, tick=tick))


if __name__ == "__main__":
    main()
