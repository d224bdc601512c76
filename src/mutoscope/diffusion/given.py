"""Sampling where some latent frames are given: a function Denoiser -> Denoiser, so samplers never know about it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..types import Denoiser
from .paths import Path, add_noise


@dataclass(frozen=True)
class Given:
    """The latent frames that are given: `latents` counts where `frames` is True. noise: standard normal."""

    latents: Float[Tensor, "b c f h w"]
    frames: Bool[Tensor, "f"]
    noise: Float[Tensor, "b c f h w"]

    def over(self, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """The given frames in their places, x elsewhere."""
        return torch.where(self.frames[:, None, None], self.latents.to(x.dtype), x)


def with_given(denoise: Denoiser, given: Given, path: Path, given_time: float | None) -> Denoiser:
    """The denoiser of the other frames: whatever a sampler has in the given places is replaced before and after.

    The network is asked with a time per frame, the sampler's for the others. Because it sees the given frames as they
    are and not as the sampler left them, an exact denoiser samples the exact conditional distribution.
    given_time: diffusion time of the given frames, in [0, 1]: 0 shows them clean. None = that of the others: they are
        noised as far, so the network knows hardly more than without them, and its question is a usual one.
    """

    def denoising(xt: Float[Tensor, "b c f h w"], t: Float[Tensor, "b"]) -> Float[Tensor, "b c f h w"]:
        times = t.to(xt.device)[:, None].expand(-1, xt.shape[2])
        if given_time is not None:
            times = torch.where(given.frames, given_time, times)
        noised = add_noise(given.latents, given.noise, times, path).to(xt.dtype)
        x0 = denoise(torch.where(given.frames[:, None, None], noised, xt), times)
        return given.over(x0)

    return denoising
