"""Averaged weights: what is kept and used after training."""

import copy

import torch
from torch import Tensor, nn

from .parts import own_part


class Ema:
    """Exponential moving average of weights, with a warm-up so that the random start is forgotten.

    After n updates the decay used is min(decay, (1 + n) / (10 + n)).
    """

    def __init__(self, modules: nn.ModuleDict, decay: float, averaged: nn.ModuleDict | None = None):
        """averaged: a copy of the modules to use, where they cannot be copied (sharded ones)."""
        self.modules = (copy.deepcopy(modules) if averaged is None else averaged).requires_grad_(False)
        self.decay = decay
        self._averaged: list[Tensor] = [own_part(p) for p in self.modules.parameters()]
        self._source = modules

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Once per optimizer step, never per micro-batch. step: updates done before this one."""
        decay = min(self.decay, (1 + step) / (10 + step))
        source = [own_part(parameter) for parameter in self._source.parameters()]
        torch._foreach_lerp_(self._averaged, source, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
