"""Gaussian data: the ideal denoiser and the exact end point of the sampling ODE, each in one line."""

import torch
from torch import Tensor

from mutoscope.diffusion.paths import Path
from mutoscope.types import Denoiser

MEAN, STD = 0.7, 0.4


def exact_denoiser(path: Path, mean: float = MEAN, std: float = STD) -> Denoiser:
    """E[x0 | x_t] for x0 ~ N(mean, std^2): precision-weighted mean of the prior and the observation."""

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        t = t.reshape(-1, *[1] * (x.ndim - 1))
        a, s = path.alpha(t), path.sigma(t)
        return (mean * s**2 + a * std**2 * x) / (s**2 + a**2 * std**2)

    return denoise


def exact_sample(noise: Tensor, path: Path, mean: float = MEAN, std: float = STD) -> Tensor:
    """Where the probability-flow ODE carries `noise`: the standardised residual is conserved."""
    one = torch.ones((), dtype=noise.dtype)
    a, s = path.alpha(one), path.sigma(one)
    return mean + std * (s * noise - a * mean) / (s**2 + a**2 * std**2).sqrt()
