"""Rotary positions in three dimensions (RoPE: Su et al. 2021, arXiv:2104.09864; axial over frame, row, column)."""

import torch
from jaxtyping import Float
from torch import Tensor

from .patch import Patch


def axis_dims(head_dim: int) -> Patch:
    """Channels of a head given to (frame, row, column): about a quarter to time, the rest halved; each even."""
    spatial = head_dim * 3 // 8 // 2 * 2
    return head_dim - 2 * spatial, spatial, spatial


def rotary_table(grid: Patch, head_dim: int, base: float = 100.0) -> Float[Tensor, "2 n e"]:
    """Cosines and sines (e = head_dim / 2) per token of a (frames, rows, columns) grid, as `patchify` orders them.

    base: longest wavelength over 2 pi; small because grids are tens of tokens long, not thousands.
    """
    angles = []
    for axis, dims in enumerate(axis_dims(head_dim)):
        frequencies = base ** -(torch.arange(0, dims, 2, dtype=torch.float32) / dims)
        position = torch.arange(grid[axis], dtype=torch.float32)
        shape = [1, 1, 1, dims // 2]
        shape[axis] = grid[axis]
        angles.append((position[:, None] * frequencies).reshape(shape).expand(*grid, dims // 2))
    angle = torch.cat(angles, dim=-1).reshape(-1, head_dim // 2)
    return torch.stack([angle.cos(), angle.sin()])


def rotate(x: Float[Tensor, "*s n d"], table: Float[Tensor, "2 n e"]) -> Float[Tensor, "*s n d"]:
    """Turn each pair of channels (i, i + d/2) by its token's angle; dot products then depend on offsets only."""
    cos, sin = table.to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([torch.addcmul(first * cos, second, -sin), torch.addcmul(second * cos, first, sin)], dim=-1)
