"""Where a stage's time and memory go, for its log: examples and arithmetic per second, waiting for data."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..memory import peak_memory_mb
from ..nn.precision import synchronize
from .config import StageConfig
from .state import State
from .task import Stopwatch, Task

PROBED = 2
"""Examples that operations are counted of; a step takes as many times that as it has more examples."""
MATMUL_SIZE, MATMUL_SECONDS = 1024, 0.1


@dataclass(frozen=True)
class Speed:
    """Of the steps since the last line of the log; sampling and checkpoints between them do not count."""

    examples_per_s: float
    flops_per_s: float
    """Of loss and gradients; attention counts as plain matrix products, the optimizer not at all."""
    mfu: float
    """flops_per_s over the rate of a large matrix product in the same dtype here: 1 is the ceiling. Model FLOPs
    utilisation as in Chowdhery et al. 2022 (arXiv:2204.02311, appendix B), with the measured rate for the maker's."""
    data_wait: float
    """Share of the time that went by before the network had clips, latents or captions."""
    memory_mb: float
    """Most that this process has had in use, on its GPU where it has one."""


class Meter:
    """Times the steps of a stage: `with meter.step: ...`, then `meter.read()` for all since the last reading."""

    def __init__(self, task: Task, config: StageConfig, state: State):
        """Takes a fraction of a second: counts the operations of an example, and times a matrix product.

        Every process of the run must make one, at the same time: they share the processor as they do in training.
        """
        self._examples = config.batch_size * config.grad_accum
        self._flops, self._most = 0.0, 0.0
        if state.step < config.steps:
            probed = state.examples(config)[:PROBED]
            self._flops = flops_of(task, probed) * self._examples / len(probed)
            self._most = matmul_rate(state.dtype, state.engine.device) * state.engine.processes.count
        self._device = state.engine.device
        self._fetching, self._fetched = task.fetching, task.fetching.seconds
        self.step = Stopwatch()

    def read(self) -> Speed:
        """Speed since the last call; ValueError where there was no step."""
        if not self.step.times:
            raise ValueError("there was no step since the last reading")
        seconds, steps, waited = self.step.seconds, self.step.times, self._fetching.seconds - self._fetched
        self.step, self._fetched = Stopwatch(), self._fetching.seconds
        flops = self._flops * steps / seconds
        return Speed(self._examples * steps / seconds, flops, flops / self._most, waited / seconds, self._memory_mb())

    def _memory_mb(self) -> float:
        on_gpu = self._device.type == "cuda"
        return torch.cuda.max_memory_allocated(self._device) / 2**20 if on_gpu else peak_memory_mb()


def flops_of(task: Task, indices: range) -> int:
    """Operations of loss and gradients of these examples, computed with the task's own modules."""
    with counting() as counter:
        task.loss(task.modules, indices).mean().backward()
    task.modules.zero_grad(set_to_none=True)
    return counter.get_total_flops()


@contextmanager
def counting() -> Iterator[FlopCounterMode]:
    """Counts with attention as plain matrix products: not every fused kernel has a formula."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        yield counter


def matmul_rate(
    dtype: torch.dtype, device: torch.device, size: int = MATMUL_SIZE, seconds: float = MATMUL_SECONDS
) -> float:
    """Operations per second of a square matrix product: the best of as many as fit into `seconds`, after one."""
    size = size if device.type == "cpu" else 8 * size  # a GPU has more to keep busy
    square = torch.ones(size, size, dtype=dtype, device=device)
    best, end = float("inf"), time.perf_counter() + seconds
    torch.mm(square, square)  # the first builds the kernel
    synchronize(device)
    while time.perf_counter() < end or best == float("inf"):
        watch = Stopwatch()
        with watch:
            torch.mm(square, square)
            synchronize(device)
        best = min(best, watch.seconds)
    return 2 * size**3 / best
