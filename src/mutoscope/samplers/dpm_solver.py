"""DPM-Solver++ (2M): second-order multistep methods in x0 and log signal-to-noise ratio, as an ODE and as an SDE."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser
from .fresh_noise import Draw, fresh_share


def step_ratios(times: Float[Tensor, "m"], path: Path) -> Float[Tensor, "n"]:
    """Length of each step over that of the one before it, in lambda = log(alpha / sigma), half the log-SNR.

    0 where a second-order step has nothing to build on: at the first step, after a first step from pure noise
    (lambda -inf) and in a step to data (+inf). Multistep methods are first-order there.
    """
    steps = (path.alpha(times) / path.sigma(times)).log().diff()
    before = torch.cat([torch.full_like(steps[:1], torch.inf), steps[:-1]])
    return torch.where(steps.isinf(), 0, steps / before)


def advance(
    x: Float[Tensor, "b *s"], x0: Float[Tensor, "b *s"], t: Float[Tensor, ""], t_next: Float[Tensor, ""], path: Path
) -> Float[Tensor, "b *s"]:
    """Exact step of the ODE from t to t_next for an estimate x0 that stays as it is.

    sigma_next / sigma * x - alpha_next * (exp(-h) - 1) * x0, written without the infinite h of the ends.
    """
    keep = path.sigma(t_next) / path.sigma(t)
    return keep * x + (path.alpha(t_next) - keep * path.alpha(t)) * x0


@torch.no_grad()
def dpmpp_2m(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path
) -> Float[Tensor, "b *s"]:
    """Second-order multistep sampler (Lu et al. 2022, arXiv:2211.01095, alg. 2). One denoiser call per step.

    times: decreasing from 1 (noise) to 0 (data).
    """
    x = path.sigma(times[0]) * noise
    x0_before = torch.zeros_like(x)
    for (t, t_next), ratio in zip(pairwise(times), step_ratios(times, path), strict=True):
        x0 = denoise(x, t.expand(len(x)))
        x = advance(x, x0 + ratio / 2 * (x0 - x0_before), t, t_next, path)
        x0_before = x0
    return x


@torch.no_grad()
def dpmpp_2m_sde(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path, draw: Draw
) -> Float[Tensor, "b *s"]:
    """The same for the SDE (SDE-DPM-Solver++(2M), Lu et al. 2022, arXiv:2211.01095): fresh noise in every step
    but the last. One denoiser call per step. The first-order step is that of DDIM with eta 1.

    times: decreasing from 1 (noise) to 0 (data).
    """
    x = path.sigma(times[0]) * noise
    x0_before = torch.zeros_like(x)
    for (t, t_next), ratio in zip(pairwise(times), step_ratios(times, path), strict=True):
        x0 = denoise(x, t.expand(len(x)))
        target = x0 + ratio / 2 * (x0 - x0_before)
        fresh = fresh_share(t, t_next, path)  # 1 - exp(-2 h)
        keep = path.sigma(t_next) / path.sigma(t) * (1 - fresh).sqrt()
        x = keep * x + path.alpha(t_next) * fresh * target
        if t_next > 0:
            x = x + path.sigma(t_next) * fresh.sqrt() * draw()
        x0_before = x0
    return x
