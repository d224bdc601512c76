"""UniPC: a multistep predictor, and a corrector that reuses the next step's call of the network."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser
from .dpm_solver import advance, step_ratios


def corrector_weights(ratio: Float[Tensor, ""], h: Float[Tensor, ""]) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """What the differences of x0 (the last step's, scaled to this step; this step's) weigh in the corrector.

    Order 2 (UniC-2 of Zhao et al. 2023, arXiv:2302.04867, in x0 with B2) solves
    w0 + w1 = b1 and r w0 + w1 = b2 for r = -1 / ratio; order 1, where ratio is 0, is the mean of both ends.
    """
    if ratio == 0:
        return torch.zeros_like(h), torch.full_like(h, 0.5)
    growth = torch.expm1(-h)
    b1 = -1 / h - 1 / growth
    b2 = 2 * ((growth / -h - 1) / -h - 0.5) / growth
    w0 = (b1 - b2) / (1 + 1 / ratio)
    return w0, b1 - w0


@torch.no_grad()
def unipc(
    denoise: Denoiser, noise: Float[Tensor, "b *s"], times: Float[Tensor, "m"], path: Path
) -> Float[Tensor, "b *s"]:
    """UniPC-2 with B2 in x0 (Zhao et al. 2023, arXiv:2302.04867). One denoiser call per step.

    The predictor is DPM-Solver++ (2M). The estimate at its point then corrects the step that led there, before the next
    begins. times: decreasing from 1 (noise) to 0 (data).
    """
    x = path.sigma(times[0]) * noise
    exact = times.double()
    ratios, lengths = step_ratios(exact, path), (path.alpha(exact) / path.sigma(exact)).log().diff()
    x0_before = change = torch.zeros_like(x)
    begin = x
    for i, (t, t_next) in enumerate(pairwise(times)):
        x0 = denoise(x, t.expand(len(x)))
        if i > 0:
            w_last, w_this = corrector_weights(ratios[i - 1], lengths[i - 1])
            corrected = x0_before + w_last * change + w_this * (x0 - x0_before)
            begin = advance(begin, corrected, times[i - 1], t, path)
        change = ratios[i] * (x0 - x0_before)
        x = advance(begin, x0 + change / 2, t, t_next, path)
        x0_before = x0
    return x
