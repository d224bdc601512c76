"""DDIM: exact along straight lines in (alpha, sigma)."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser
from .fresh_noise import Draw, fresh_share


@torch.no_grad()
def ddim(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path, draw: Draw, eta: float
) -> Float[Tensor, "b *s"]:
    """First-order sampler (Song et al. 2020, arXiv:2010.02502, eq. 12 and 16). One denoiser call per step.

    times: decreasing from 1 (noise) to 0 (data). eta: 0 is deterministic, draws nothing and is Euler's method on the
    linear path; 1 samples the exact posterior of x_{t_next} given x_t and x0.
    """
    x = path.sigma(times[0]) * noise
    for t, t_next in pairwise(times):
        x0 = denoise(x, t.expand(len(x)))
        epsilon = (x - path.alpha(t) * x0) / path.sigma(t)
        if eta > 0 and t_next > 0:
            fresh = eta**2 * fresh_share(t, t_next, path)
            epsilon = (1 - fresh).sqrt() * epsilon + fresh.sqrt() * draw()
        x = path.alpha(t_next) * x0 + path.sigma(t_next) * epsilon
    return x
