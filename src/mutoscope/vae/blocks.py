"""Building blocks: 2-D convolutions on folded frames (b, F, c, h, w), time handled by memory, pooling and growing.

The shape follows TAEHV (github.com/madebyollin/taehv): causal by construction, constant memory when streamed.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .memory import Memory


def fold(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a 2-D layer to every frame of (b, F, c, h, w)."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions; with memory the first also sees the previous frame."""

    def __init__(self, width: int, memory: bool):
        super().__init__()
        self.memory = memory
        self.conv_in = nn.Conv2d(width * (2 if memory else 1), width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """Same shape as x."""
        seen = torch.cat([x, memory.previous(x)], dim=2) if self.memory else x
        return x + fold(self.conv_out, F.silu(fold(self.conv_in, F.silu(seen))))


class TimePool(nn.Module):
    """Two frames become one: a 1x1 convolution over both."""

    def __init__(self, width: int):
        super().__init__()
        self.mix = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, 2 F, c, h, w) -> (b, F, c, h, w)."""
        return fold(self.mix, x.unflatten(1, (-1, 2)).flatten(2, 3))


class TimeGrow(nn.Module):
    """One frame becomes two: a 1x1 convolution to twice the channels."""

    def __init__(self, width: int):
        super().__init__()
        self.mix = nn.Conv2d(width, 2 * width, 1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, F, c, h, w) -> (b, 2 F, c, h, w)."""
        return fold(self.mix, x).unflatten(2, (2, -1)).flatten(1, 2)


class SpacePool(nn.Module):
    """Half the rows and columns: a strided convolution."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, F, c, 2 h, 2 w) -> (b, F, c, h, w)."""
        return fold(self.conv, x)


class SpaceGrow(nn.Module):
    """Twice the rows and columns: a convolution and a pixel shuffle."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, 4 * width, 3, padding=1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, F, c, h, w) -> (b, F, c, 2 h, 2 w)."""
        return F.pixel_shuffle(fold(self.conv, x), 2)
