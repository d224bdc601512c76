"""What is being trained: a task owns the modules and says what the loss of its k-th batch is."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..data.buckets import alike
from ..types import VideoBatch


class Stopwatch:
    """`with watch: ...` adds up seconds."""

    def __init__(self) -> None:
        self.seconds, self.times = 0.0, 0
        self._begun = 0.0

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += time.perf_counter() - self._begun
        self.times += 1


@runtime_checkable
class Task(Protocol):
    """What the trainer needs to know, and all it knows."""

    name: str
    modules: nn.ModuleDict
    fetching: Stopwatch
    """Runs while `loss` waits for data."""

    def loss(self, modules: nn.ModuleDict, indices: range) -> Float[Tensor, "b"]:
        """Loss of the examples numbered `indices`, computed with `modules` (a copy of the task's own)."""
        ...


@runtime_checkable
class Clips(Protocol):
    """A set of captioned clips without an end: number i is always the same clip."""

    @property
    def identity(self) -> str:
        """Changes with the clips."""
        ...

    def batch(self, indices: Sequence[int]) -> VideoBatch:
        """The clips of these numbers, all of one shape."""
        ...

    def captions(self, indices: Sequence[int]) -> list[str]:
        """What is said about them."""
        ...

    def shapes(self, indices: Sequence[int]) -> list[tuple[int, int, int]]:
        """(frames, rows, columns) of each."""
        ...


@runtime_checkable
class Latents(Protocol):
    """Latents by row: a tensor, or the cache of a run. Rows that are asked for together have one shape."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Int[Tensor, "b"], /) -> Float[Tensor, "b c f h w"]: ...


def losses_by_shape(
    shapes: Sequence[tuple[int, ...]], loss: Callable[[list[int]], Float[Tensor, "n"]]
) -> Float[Tensor, "b"]:
    """Losses of a batch whose examples have these shapes, computed for those of one shape at a time.

    loss: of the examples at these places of the batch. Losses are per example, so nothing else changes.
    """
    groups = alike(shapes)
    losses = [loss(group) for group in groups]
    return losses[0] if len(groups) == 1 else torch.cat(losses)[torch.tensor(sum(groups, [])).argsort()]
