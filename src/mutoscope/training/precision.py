"""Low-precision arithmetic with float32 master weights, from outside the model.

On CPUs autocast casts every weight at every use; a standing low-precision copy that is refreshed once per step is
faster for the small networks of this project.
"""

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..nn.precision import synchronize


class ComputeCopy:
    """The modules that the loss is computed with; `masters` are what the optimizer and checkpoints see."""

    def __init__(self, masters: nn.ModuleDict, dtype: torch.dtype):
        self.masters = masters
        self.modules = masters if dtype == torch.float32 else copy.deepcopy(masters).to(dtype)
        same = dtype == torch.float32
        self._pairs = [] if same else list(zip(masters.parameters(), self.modules.parameters(), strict=True))

    @torch.no_grad()
    def push(self) -> None:
        """Master weights to the compute copy: after loading and after every optimizer step."""
        for master, working in self._pairs:
            working.copy_(master)

    @torch.no_grad()
    def pull_gradients(self) -> None:
        """Gradients of the compute copy to the masters, added up in float32: after every micro-batch."""
        for master, working in self._pairs:
            if working.grad is not None:
                gradient = working.grad.float()
                master.grad = gradient if master.grad is None else master.grad + gradient
                working.grad = None


def fastest_dtype(loss: Callable[[nn.ModuleDict], Tensor], masters: nn.ModuleDict, rounds: int = 2) -> torch.dtype:
    """float32 or bfloat16, whichever computes this loss and its gradients faster on this machine, measured.

    The task itself is timed rather than a matmul: small networks are often held up by other things. The first call
    of each builds kernels and is not counted.
    """
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        probe = ComputeCopy(copy.deepcopy(masters), dtype)
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            found = loss(probe.modules).mean()
            found.backward()
            synchronize(found.device)
            times.append(time.perf_counter() - start)
        seconds[dtype] = min(times[1:])
    return min(seconds, key=lambda dtype: seconds[dtype])
