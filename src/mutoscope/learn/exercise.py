"""What an exercise is made of."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Case:
    """Arguments to call a solution with, and what they are in words."""

    what: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Suspect:
    """A wrong solution that people write, and the sentence that names its mistake."""

    solution: Callable[..., Any]
    hint: str


def draws(seed: int) -> Callable[..., Tensor]:
    """A source of standard normal tensors, `draw(2, 3)`, the same for the same seed."""
    g = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(*shape, generator=g)


def cosine_time(alpha: Tensor) -> Tensor:
    """When the signal scale of `CosinePath` is alpha: by it our samplers answer questions put in alpha_bar."""
    return 1 - alpha.double().clamp(0, 1).asin() * (2 / math.pi)
