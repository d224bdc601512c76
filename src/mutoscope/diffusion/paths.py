"""Noising paths x_t = alpha(t) * x0 + sigma(t) * noise, with t = 0 data and t = 1 noise."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class LinearPath:
    """Rectified flow: a straight line from data to noise (Liu et al. 2022, arXiv:2209.03003)."""

    def alpha(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Signal scale: 1 at data, 0 at noise."""
        return 1 - t

    def sigma(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Noise scale: 0 at data, 1 at noise."""
        return t

    def alpha_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of alpha with respect to t."""
        return -torch.ones_like(t)

    def sigma_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of sigma with respect to t."""
        return torch.ones_like(t)


Path = LinearPath
"""Any noising path; a second one makes this a union."""

PATHS: dict[str, Path] = {"linear": LinearPath()}


def expand(t: Float[Tensor, "..."], like: Float[Tensor, "b c f h w"]) -> Float[Tensor, "..."]:
    """Times (b,) or (b, f) or () with singleton axes, so that they multiply latents."""
    if t.ndim == 2:
        return t[:, None, :, None, None]
    return t.reshape(-1, *[1] * (like.ndim - 1))


def add_noise(
    x0: Float[Tensor, "b c f h w"], noise: Float[Tensor, "b c f h w"], t: Float[Tensor, "..."], path: Path
) -> Float[Tensor, "b c f h w"]:
    """The point x_t of the path; t (b,) per clip or (b, f) per latent frame."""
    t = expand(t, x0)
    return path.alpha(t) * x0 + path.sigma(t) * noise


def velocity_target(
    x0: Float[Tensor, "b c f h w"], noise: Float[Tensor, "b c f h w"], t: Float[Tensor, "..."], path: Path
) -> Float[Tensor, "b c f h w"]:
    """Velocity d x_t / dt = alpha'(t) x0 + sigma'(t) noise; on the linear path noise - x0."""
    t = expand(t, x0)
    return path.alpha_rate(t) * x0 + path.sigma_rate(t) * noise
