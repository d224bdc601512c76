"""Frames of any size at constant memory: overlapping tiles, each encoded or decoded by itself, laid over each other.

Sizes and places are in latent cells: one latent row or column, `spatial_stride` pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from .config import VAEConfig
from .network import receptive_radius


@dataclass(frozen=True)
class Tiling:
    """How large tiles are, and how much neighbours share.

    With an overlap of at least twice `radius` the result is what the whole frame gives, up to rounding: where a tile is
    used, it has seen all that the whole would have shown it. With less, neighbours are blended linearly.
    """

    tile: int
    """Rows and columns of a tile."""
    overlap: int
    """Rows or columns that neighbours share, at least."""
    radius: int
    """Cells around its own that a cell depends on."""

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.tile:
            raise ValueError(
                f"tiles of {self.tile} latent rows that share {self.overlap} do not fit: an overlap is at least 0 and "
                f"smaller than the tile. Nearest: a tile of {max(self.overlap, 0) + 1}."
            )

    @property
    def exact(self) -> bool:
        """Whether the result equals doing it whole."""
        return self.overlap >= 2 * self.radius

    def starts(self, size: int) -> list[int]:
        """Where tiles begin on an axis of `size` cells: evenly spaced, the last one ends where the axis ends."""
        if size <= self.tile:
            return [0]
        steps = -(-(size - self.tile) // (self.tile - self.overlap))
        return [round(k * (size - self.tile) / steps) for k in range(steps + 1)]

    def shares(self, size: int, cell: int) -> Float[Tensor, "tiles places"]:
        """Share of every tile in every place of an axis, `cell` places to a latent cell; shares of a place add up to 1.

        0 outside the tile and, if the overlap allows, within the receptive radius of its inner ends.
        """
        places = (torch.arange(size * cell) + 0.5) / cell
        margin = self.radius if self.exact else 0
        ramp = max(self.overlap - 2 * margin, 1e-3)
        rows = []
        for start in self.starts(size):
            end = start + self.tile
            left = places - start if start else torch.full_like(places, torch.inf)
            right = end - places if end < size else torch.full_like(places, torch.inf)
            rows.append(((torch.minimum(left, right) - margin) / ramp).clamp(0, 1))
        wanted = torch.stack(rows)
        return wanted / wanted.sum(0)


def tiling_of(config: VAEConfig, tile: int, overlap: int | None = None) -> Tiling:
    """Tiles of `tile` latent rows and columns for a VAE; overlap: none = as much as makes the result exact.

    ValueError where the tile is not larger than the overlap.
    """
    radius = receptive_radius(config)
    return Tiling(tile, 2 * radius if overlap is None else overlap, radius)


def in_tiles(
    step: Callable[[int, Float[Tensor, "*axes H W"]], Float[Tensor, "*other h w"]],
    x: Float[Tensor, "*axes H W"],
    tiling: Tiling,
    cell_in: int,
    cell_out: int,
) -> Float[Tensor, "*other h w"]:
    """Lay the results of step(number of the tile, its part of x) over each other.

    cell_in, cell_out: rows of x, and of the result, to a latent row.
    """
    axes = []
    for size in (x.shape[-2] // cell_in, x.shape[-1] // cell_in):
        shares = tiling.shares(size, cell_out).to(x)
        spans = [(start, min(start + tiling.tile, size)) for start in tiling.starts(size)]
        axes.append([(a, b, share[a * cell_out : b * cell_out]) for (a, b), share in zip(spans, shares, strict=True)])
    whole = None
    for number, ((top, bottom, down), (left, right, across)) in enumerate(product(*axes)):
        part = step(number, x[..., top * cell_in : bottom * cell_in, left * cell_in : right * cell_in])
        if whole is None:
            size = (x.shape[-2] // cell_in * cell_out, x.shape[-1] // cell_in * cell_out)
            whole = part.new_zeros(*part.shape[:-2], *size)
        place = (..., slice(top * cell_out, bottom * cell_out), slice(left * cell_out, right * cell_out))
        whole[place] += part * down[:, None] * across
    assert whole is not None
    return whole
