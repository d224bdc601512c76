"""Guidance is a function from denoisers to denoisers; samplers never know about it."""

from jaxtyping import Float
from torch import Tensor

from ..types import Denoiser


def classifier_free_guidance(
    cond: Denoiser, uncond: Denoiser, guidance_scale: float, interval: tuple[float, float] = (0.0, 1.0)
) -> Denoiser:
    """Push the estimate away from the unconditional one (Ho & Salimans 2022, arXiv:2207.12598, eq. 6).

    guidance_scale: 1 is plain conditional sampling and costs no second call; 2-5 is usual here.
    interval: diffusion times in which guidance acts (Kynkäänniemi et al. 2024, arXiv:2404.07724); outside it the
        second call is saved. All clips of a call share their time, as in every sampler.
    """
    if guidance_scale < 0:
        raise ValueError(f"guidance_scale must be >= 0, got {guidance_scale}. 1 = off; try --guidance 3.")
    if guidance_scale == 1:
        return cond
    low, high = interval

    def guided(xt: Float[Tensor, "b *s"], t: Float[Tensor, "..."]) -> Float[Tensor, "b *s"]:
        now = float(t.max())
        if not low <= now <= high:
            return cond(xt, t)
        x0_uncond = uncond(xt, t)
        return x0_uncond + guidance_scale * (cond(xt, t) - x0_uncond)

    return guided
