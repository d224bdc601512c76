"""Several processes that do one thing together, as torchrun starts them; most runs are one process, and cost nothing.

All of them must come to the same calls in the same order: each one waits for the others.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import distributed

Item = TypeVar("Item")
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Processes:
    """How many there are, and which of them this one is."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and speaks."""
        return self.rank == 0

    def part(self, indices: range) -> range:
        """The part of a batch that is for this process: equal ones, in order. ValueError where there are none."""
        size, rest = divmod(len(indices), self.count)
        if rest:
            below, above = size * self.count, (size + 1) * self.count
            fits = f"{below} or {above}" if below else f"{above}"
            raise ValueError(f"a batch of {len(indices)} cannot be shared by {self.count} processes; {fits} can.")
        return indices[self.rank * size : (self.rank + 1) * size]

    def spread(self, items: Sequence[Item], work: Callable[[Sequence[Item]], dict[Key, Value]]) -> dict[Key, Value]:
        """The work on all items, done by all; the result is with the first process, empty elsewhere."""
        if self.count == 1:
            return work(items)
        done, gathered = work(items[self.rank :: self.count]), [{}] * self.count if self.first else None
        distributed.gather_object(done, gathered)
        return {key: value for part in gathered or [] for key, value in part.items()}

    def mean(self, value: float) -> float:
        """Of the values of all."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(total)
        return float(total) / self.count

    def any(self, flag: bool) -> bool:
        """Whether it is so in any of them."""
        return self.mean(float(flag)) > 0

    def from_first(self, value: Any) -> Any:
        """What the first process has here."""
        if self.count == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values)
        return values[0]

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes()
"""What most runs are."""


@contextmanager
def joined() -> Iterator[Processes]:
    """Those that torchrun has started, connected; this one alone where it has not."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE
        return
    backend = "gloo"
    if torch.cuda.is_available():  # a GPU each; what is no tensor of a network still goes between the processors
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend)
    try:
        yield Processes(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()
