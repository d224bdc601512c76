"""DDPM's ancestral sampling."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser
from .fresh_noise import Draw, fresh_share


@torch.no_grad()
def ddpm(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path, draw: Draw
) -> Float[Tensor, "b *s"]:
    """Mean of the posterior plus noise of variance beta_t (Ho et al. 2020, arXiv:2006.11239, alg. 2).

    For any two times, with alpha_ts = alpha_t / alpha_s and beta_ts = sigma_t^2 - alpha_ts^2 sigma_s^2: x_s given x_t
    and x0 has the mean alpha_ts sigma_s^2 / sigma_t^2 x_t + alpha_s beta_ts / sigma_t^2 x0 (eq. 7). On neighbouring
    entries of DDPM's table a step is x = (x - beta / sigma epsilon) / sqrt(1 - beta) + sqrt(beta) z. No noise in the
    last step. times: decreasing from 1 (noise) to 0 (data). One denoiser call per step.
    """
    x = path.sigma(times[0]) * noise
    for t, t_next in pairwise(times):
        x0 = denoise(x, t.expand(len(x)))
        fresh = fresh_share(t, t_next, path)  # beta_ts / sigma_t^2
        keep = path.alpha(t) / path.alpha(t_next) * (path.sigma(t_next) / path.sigma(t)).square()
        x = keep * x + path.alpha(t_next) * fresh * x0
        if t_next > 0:
            x = x + path.sigma(t) * fresh.sqrt() * draw()
    return x
