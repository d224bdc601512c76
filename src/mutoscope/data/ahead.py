"""Decoding in other processes, ahead of whoever asks for batches."""

import multiprocessing
import signal
import weakref
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from .config import ClipsConfig

BATCHES_AHEAD = 2


class Ahead:
    """Clips by number, decoded by `config.workers` processes; the same bytes as without them.

    What is asked for next is guessed to be the numbers that follow. A wrong guess costs work, never correctness.
    """

    def __init__(self, source: type, config: ClipsConfig, split: Literal["train", "test"], seed: int):
        """source: the class of the clips, which every process makes for itself of the rest."""
        self._workers = config.workers
        self._arguments = (source, config.model_copy(update={"workers": 0}), split, seed)
        self._pool: ProcessPoolExecutor | None = None
        self._pending: dict[int, Future[np.ndarray]] = {}

    def frames(self, numbers: Sequence[int]) -> list[UInt8[np.ndarray, "F H W 3"]]:
        """Clips of these numbers. What decoding raises is raised here."""
        pool = self._started()
        following = range(max(numbers) + 1, max(numbers) + 1 + BATCHES_AHEAD * len(numbers))
        for number in (*numbers, *following):
            if number not in self._pending:
                self._pending[number] = pool.submit(_frames_u8, number)
        found = [self._pending[number].result() for number in numbers]
        # Only what may still come is kept: whoever jumps elsewhere leaves nothing behind.
        kept = set(following)
        for number in [n for n in self._pending if n not in kept]:
            self._pending.pop(number).cancel()
        return found

    def _started(self) -> ProcessPoolExecutor:
        """Processes are started by the first batch, so that a set can be looked at without any."""
        if self._pool is None:
            # Spawned: a fork would copy torch's threads in whatever state they are.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _start, self._arguments)
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
        return self._pool


def _start(source: type, config: ClipsConfig, split: Literal["train", "test"], seed: int) -> None:
    """In a new process: Ctrl-C is for the one that trains, which then saves and ends this one."""
    global _clips  # noqa: PLW0603 (a process has no other place for what it keeps)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _clips = source(config, split, seed)


def _frames_u8(number: int) -> np.ndarray:
    return _clips.frames_u8(number)  # noqa: F821 (made by _start)
