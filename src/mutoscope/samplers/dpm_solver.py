"""DPM-Solver++ (2M): a second-order multistep method in x0 and log signal-to-noise ratio."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser


@torch.no_grad()
def dpmpp_2m(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path
) -> Float[Tensor, "b *s"]:
    """Second-order multistep sampler (Lu et al. 2022, arXiv:2211.01095, alg. 2). One denoiser call per step.

    The first step (log-SNR is -inf at pure noise) and the last (+inf at data) are first-order, as they must be.
    times: decreasing from 1 (noise) to 0 (data).
    """
    x = path.sigma(times[0]) * noise
    log_ratio = (path.alpha(times) / path.sigma(times)).log()  # lambda of the paper: half the log-SNR
    x0_before: Tensor | None = None
    for i, (t, t_next) in enumerate(pairwise(times)):
        x0 = denoise(x, t.expand(len(x)))
        target = x0
        if x0_before is not None and i > 1 and t_next > 0:
            step, step_before = log_ratio[i + 1] - log_ratio[i], log_ratio[i] - log_ratio[i - 1]
            target = x0 + (step / (2 * step_before)) * (x0 - x0_before)
        # sigma_next / sigma * x - alpha_next * (exp(-h) - 1) * target, written without the infinite h of the ends
        keep = path.sigma(t_next) / path.sigma(t)
        x = keep * x + (path.alpha(t_next) - keep * path.alpha(t)) * target
        x0_before = x0
    return x
