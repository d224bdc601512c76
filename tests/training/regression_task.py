"""A training task of a few milliseconds: linear regression through a small network with blocks."""

import torch
from torch import nn

from mutoscope.training.config import StageConfig
from mutoscope.training.seeds import normal_rows
from mutoscope.training.task import Stopwatch
from mutoscope.training.throughput import PROBED


def stage(**changes) -> StageConfig:
    """Settings of a short float32 stage, with changes."""
    settings = {
        "steps": 8, "batch_size": 4, "optimizer": "adamw", "lr": 0.05, "warmup_steps": 2, "precision": "float32",
        "log_every": 1, "checkpoint_every": 3,
    }  # fmt: skip
    return StageConfig.model_validate(settings | changes)


class Network(nn.Module):
    """Two matrices in blocks, for Muon, one outside, and biases."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.blocks = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.last = nn.Linear(8, 1)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + torch.tanh(block(x))
        return self.last(x)


class Regression:
    """y = x . (1, -2, 3); example i is a function of its number.

    poison: numbers whose loss is NaN. without: numbers that are not there; those behind them take their place.
    """

    name = "regression"

    def __init__(self, seed: int = 0, poison: set[int] | None = None, without: range = range(0)):
        torch.manual_seed(seed)
        self.modules = nn.ModuleDict({"network": Network()})
        self.fetching = Stopwatch()
        self.poison, self.without = poison or set(), without
        self.calls: list[range] = []  # without the meter's probe

    def loss(self, modules, indices):
        if len(indices) != PROBED:
            self.calls.append(indices)
        if indices.start >= self.without.start:
            indices = range(indices.start + len(self.without), indices.stop + len(self.without))
        x, _ = normal_rows(0, "x", indices, (3,))
        y = x @ torch.tensor([1.0, -2.0, 3.0])
        dtype = next(modules.parameters()).dtype
        loss = (modules["network"](x.to(dtype))[:, 0].float() - y).square()
        return loss * float("nan") if self.poison & set(indices) else loss


def weights(modules: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all tensors."""
    return {name: tensor.detach().clone() for name, tensor in modules.state_dict().items()}


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    """Bit for bit."""
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
