"""Which diffusion times are trained on, and which a sampler visits."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .config import DiffusionConfig

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


def even_uniforms(indices: Int[Tensor, "b"], offset: float) -> Float[Tensor, "b"]:
    """Evenly spread numbers in [0, 1): the Weyl sequence offset + i * golden ratio, modulo 1.

    A number depends on its example's index only, so splitting a batch changes nothing, and any run of
    neighbouring indices covers the interval more evenly than independent draws would.
    """
    return ((indices.double() * GOLDEN_RATIO + offset) % 1).float()


def logit_normal(uniforms: Float[Tensor, "*s"], mean: float, std: float) -> Float[Tensor, "*s"]:
    """Times in (0, 1) whose logit is normal (Esser et al. 2024, arXiv:2403.03206, sec. 3.1), by inverting the CDF.

    uniforms: in [0, 1); mean > 0 moves times towards noise; std > 0 widens.
    """
    clipped = uniforms.double().clamp(1e-6, 1 - 1e-6)
    return torch.sigmoid(mean + std * torch.special.ndtri(clipped)).float()


def training_times(uniforms: Float[Tensor, "*s"], config: DiffusionConfig) -> Float[Tensor, "*s"]:
    """Times in [0, 1] with the density of the configuration, one for each number in [0, 1)."""
    if config.timesteps == "uniform":
        return uniforms
    return logit_normal(uniforms, config.timestep_mean, config.timestep_std)


def shift_timesteps(t: Float[Tensor, "*s"], shift: float) -> Float[Tensor, "*s"]:
    """Move times towards noise: multiply the odds t / (1 - t) by `shift` (arXiv:2403.03206, eq. 23).

    shift = 1 changes nothing, 0 and 1 are fixed points, shifting by a then b equals shifting by a * b.
    """
    if shift <= 0:
        raise ValueError(f"shift must be > 0, got {shift}. Use shift=1 to leave the timesteps unchanged.")
    return shift * t / (1 + (shift - 1) * t)


def time_grid(steps: int, shift: float = 1.0) -> Float[Tensor, "m"]:
    """The steps + 1 decreasing times from 1 (noise) to 0 (data) that a sampler visits."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}. Try --steps 16.")
    return shift_timesteps(torch.linspace(1, 0, steps + 1), shift)
