"""Euler's method on the probability-flow ODE."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..diffusion.predictions import velocity_of
from ..types import Denoiser


@torch.no_grad()
def euler(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path
) -> Float[Tensor, "b *s"]:
    """First-order sampler in the path's arc: one denoiser call per step.

    times: decreasing from 1 (noise) to 0 (data).
    """
    x = path.sigma(times[0]) * noise
    for t, t_next in pairwise(times):
        x = x + (path.arc(t_next) - path.arc(t)) * velocity_of(x, denoise(x, t.expand(len(x))), t, path)
    return x
