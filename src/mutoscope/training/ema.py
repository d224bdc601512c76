"""Averaged weights: what is kept and used after training."""

import copy

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average of weights, with a warm-up so that the random start is forgotten.

    After n updates the decay used is min(decay, (1 + n) / (10 + n)).
    """

    def __init__(self, modules: nn.ModuleDict, decay: float):
        self.modules = copy.deepcopy(modules).requires_grad_(False)
        self.decay = decay
        self._averaged: list[Tensor] = list(self.modules.parameters())
        self._source: list[Tensor] = list(modules.parameters())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Once per optimizer step, never per micro-batch. step: updates done before this one."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averaged, self._source, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
