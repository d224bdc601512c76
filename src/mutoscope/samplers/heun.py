"""Heun's second-order method."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..diffusion.predictions import velocity_of
from ..types import Denoiser


@torch.no_grad()
def heun(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path
) -> Float[Tensor, "b *s"]:
    """Second-order sampler (Karras et al. 2022, arXiv:2206.00364, alg. 1). Two denoiser calls per step but the last.

    In the path's arc. times: decreasing from 1 (noise) to 0 (data).
    """
    x = path.sigma(times[0]) * noise
    for t, t_next in pairwise(times):
        step = path.arc(t_next) - path.arc(t)
        velocity = velocity_of(x, denoise(x, t.expand(len(x))), t, path)
        x_next = x + step * velocity
        if t_next > 0:  # the last step stays first-order: velocity is undefined at t = 0
            ahead = velocity_of(x_next, denoise(x_next, t_next.expand(len(x))), t_next, path)
            x_next = x + step * (velocity + ahead) / 2
        x = x_next
    return x
