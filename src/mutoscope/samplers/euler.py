"""Euler's method on the probability-flow ODE."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser


def velocity_of(
    x: Float[Tensor, "b *s"], x0: Float[Tensor, "b *s"], t: Float[Tensor, ""], path: Path
) -> Float[Tensor, "b *s"]:
    """D x_t / dt of the path through x towards x0, t > 0: alpha' x0 + sigma' (x - alpha x0) / sigma."""
    return path.alpha_rate(t) * x0 + path.sigma_rate(t) * (x - path.alpha(t) * x0) / path.sigma(t)


@torch.no_grad()
def euler(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path
) -> Float[Tensor, "b *s"]:
    """First-order sampler: one denoiser call per step. times: decreasing from 1 (noise) to 0 (data)."""
    x = path.sigma(times[0]) * noise
    for t, t_next in pairwise(times):
        x = x + (t_next - t) * velocity_of(x, denoise(x, t.expand(len(x))), t, path)
    return x
