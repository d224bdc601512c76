"""Numbers to vectors."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def sinusoid(t: Float[Tensor, "*s"], dim: int, max_period: float = 10_000.0) -> Float[Tensor, "*s {dim}"]:
    """Sinusoidal features of diffusion time (Ho et al. 2020, arXiv:2006.11239), t in [0, 1] scaled to [0, 1000]."""
    half = dim // 2
    frequencies = torch.exp(-math.log(max_period) * torch.arange(half, device=t.device, dtype=torch.float32) / half)
    angles = 1000 * t.float()[..., None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
