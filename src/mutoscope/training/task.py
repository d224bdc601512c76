"""What is being trained: a task owns the modules and says what the loss of its k-th batch is."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from ..types import VideoBatch


@runtime_checkable
class Task(Protocol):
    """What the trainer needs to know, and all it knows."""

    name: str
    modules: nn.ModuleDict

    def loss(self, modules: nn.ModuleDict, indices: range) -> Float[Tensor, "b"]:
        """Loss of the examples numbered `indices`, computed with `modules` (a copy of the task's own)."""
        ...


@runtime_checkable
class Clips(Protocol):
    """A set of captioned clips without an end: number i is always the same clip."""

    def batch(self, indices: Sequence[int]) -> VideoBatch:
        """The clips of these numbers."""
        ...
