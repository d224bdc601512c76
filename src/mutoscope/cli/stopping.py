"""Ctrl-C and SIGTERM as a polite question: finish the step, save, leave. The second time it is an order.

Not under torchrun, which passes on to each process what a terminal has sent to it already.
"""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_NOTE = b"\nmutoscope: saving after this step; Ctrl-C again stops at once, without saving.\n"


class StopSignal:
    """`with StopSignal() as stop: ... stop.asked()`: True once the process was asked to stop."""

    def __init__(self, repeated: bool = False) -> None:
        """repeated: one question may come several times."""
        self._asked, self._repeated = False, repeated
        self._before: dict[int, Any] = {}

    def asked(self) -> bool:
        """Whether to save and leave."""
        return self._asked

    def __enter__(self) -> "StopSignal":
        if threading.current_thread() is threading.main_thread():  # elsewhere signals cannot be handled
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._asked and not self._repeated:
            raise KeyboardInterrupt
        if not self._repeated:
            os.write(2, _NOTE)  # print is not safe inside a signal handler
        self._asked = True
