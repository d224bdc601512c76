"""Building blocks: 2-D convolutions on folded frames (b, F, c, h, w), time handled by memory, pooling and growing.

The shape follows TAEHV (github.com/madebyollin/taehv): causal by construction, constant memory when streamed. With a
shortcut, what makes frames fewer or smaller adds their mean, what makes them more or larger adds copies (the residual
shortcuts of DC-AE, Chen et al. 2024, arXiv:2410.10733, sec. 3.2, where channels keep their number).
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

    def __init__(self, width: int, shortcut: bool):
        super().__init__()
        self.shortcut = shortcut
        self.mix = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, 2 F, c, h, w) -> (b, F, c, h, w)."""
        pairs = x.unflatten(1, (-1, 2))
        pooled = fold(self.mix, pairs.flatten(2, 3))
        return pooled + pairs.mean(2) if self.shortcut else pooled


class TimeGrow(nn.Module):
    """One frame becomes two: a 1x1 convolution to twice the channels."""

    def __init__(self, width: int, shortcut: bool):
        super().__init__()
        self.shortcut = shortcut
        self.mix = nn.Conv2d(width, 2 * width, 1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, F, c, h, w) -> (b, 2 F, c, h, w)."""
        grown = fold(self.mix, x).unflatten(2, (2, -1)).flatten(1, 2)
        return grown + x.repeat_interleave(2, dim=1) if self.shortcut else grown


class SpacePool(nn.Module):
    """Half the rows and columns: a strided convolution."""

    def __init__(self, width: int, shortcut: bool):
        super().__init__()
        self.shortcut = shortcut
        self.conv = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, F, c, 2 h, 2 w) -> (b, F, c, h, w)."""
        pooled = fold(self.conv, x)
        return pooled + F.avg_pool2d(x.flatten(0, 1), 2).unflatten(0, x.shape[:2]) if self.shortcut else pooled


class SpaceGrow(nn.Module):
    """Twice the rows and columns: a convolution and a pixel shuffle."""

    def __init__(self, width: int, shortcut: bool):
        super().__init__()
        self.shortcut = shortcut
        self.conv = nn.Conv2d(width, 4 * width, 3, padding=1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """(b, F, c, h, w) -> (b, F, c, 2 h, 2 w)."""
        grown = F.pixel_shuffle(fold(self.conv, x), 2)
        return grown + x.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2) if self.shortcut else grown
