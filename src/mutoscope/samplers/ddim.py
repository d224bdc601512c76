"""DDIM: exact along straight lines in (alpha, sigma)."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser


@torch.no_grad()
def ddim(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path
) -> Float[Tensor, "b *s"]:
    """First-order deterministic sampler (Song et al. 2021, arXiv:2010.02502, eq. 12). One denoiser call per step.

    On the linear path it is Euler's method. times: decreasing from 1 (noise) to 0 (data).
    """
    x = path.sigma(times[0]) * noise
    for t, t_next in pairwise(times):
        x0 = denoise(x, t.expand(len(x)))
        epsilon = (x - path.alpha(t) * x0) / path.sigma(t)
        x = path.alpha(t_next) * x0 + path.sigma(t_next) * epsilon
    return x
