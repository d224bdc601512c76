"""Noising paths x_t = alpha(t) * x0 + sigma(t) * noise, with t = 0 data and t = 1 noise.

Each has an `arc(t)` along which x_t moves evenly: t on the straight line, the angle atan2(sigma, alpha) on
variance-preserving paths. Rates and velocities are derivatives with respect to it. Then on every path
alpha * sigma_rate - sigma * alpha_rate = 1, which makes the conversions between predictions short.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from .config import DiffusionConfig


@dataclass(frozen=True)
class LinearPath:
    """Rectified flow: a straight line from data to noise (Liu et al. 2022, arXiv:2209.03003)."""

    def alpha(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Signal scale: 1 at data, 0 at noise."""
        return 1 - t

    def sigma(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Noise scale: 0 at data, 1 at noise."""
        return t

    def arc(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """The time itself."""
        return t

    def alpha_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of alpha with respect to arc."""
        return -torch.ones_like(t)

    def sigma_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of sigma with respect to arc."""
        return torch.ones_like(t)


@dataclass(frozen=True)
class CosinePath:
    """Variance-preserving quarter circle, alpha^2 + sigma^2 = 1 (Nichol & Dhariwal 2021, arXiv:2102.09672, with no
    offset; Salimans & Ho 2022, arXiv:2202.00512).
    """

    def alpha(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Signal scale: 1 at data, 0 at noise."""
        return ((1 - t) * (math.pi / 2)).sin()  # unlike the cosine exactly 0 at t = 1

    def sigma(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Noise scale: 0 at data, 1 at noise."""
        return (t * (math.pi / 2)).sin()

    def arc(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Angle on the circle, 0 to pi / 2."""
        return t * (math.pi / 2)

    def alpha_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of alpha with respect to arc."""
        return -self.sigma(t)

    def sigma_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of sigma with respect to arc."""
        return self.alpha(t)


@dataclass(frozen=True)
class DiscretePath:
    """DDPM's table (Ho et al. 2020, arXiv:2006.11239, sec. 4), variance-preserving.

    t = k / num_betas is entry k; entry 0 is clean data, entry k >= 1 has alpha^2 = (1 - beta_1) ... (1 - beta_k) with
    the betas evenly spaced from betas[0] to betas[1]. Between entries log alpha is interpolated linearly.
    num_betas: the paper has 1,000; 500 is the table of the tutorial series.
    zero_terminal_snr: rescaled so that the last entry is pure noise (Lin et al. 2023, arXiv:2305.08891, alg. 1).
    """

    num_betas: int = 500
    betas: tuple[float, float] = (1e-4, 0.02)
    zero_terminal_snr: bool = False

    def alpha(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Signal scale: 1 at data; at noise the table's last entry, 0 with zero_terminal_snr."""
        return self._log_alpha(t).exp().to(t.dtype)

    def sigma(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Noise scale: 0 at data, sqrt(1 - alpha^2)."""
        return (2 * self._log_alpha(t)).expm1().abs().sqrt().to(t.dtype)

    def arc(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Angle on the circle, atan2(sigma, alpha)."""
        exact = t.double()
        return torch.atan2(self.sigma(exact), self.alpha(exact)).to(t.dtype)

    def alpha_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of alpha with respect to arc."""
        return -self.sigma(t)

    def sigma_rate(self, t: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Derivative of sigma with respect to arc."""
        return self.alpha(t)

    def _log_alpha(self, t: Tensor) -> Tensor:
        """Float64, whatever t is: small sigmas are differences of numbers near 1."""
        table = log_alpha_table(self.num_betas, self.betas, self.zero_terminal_snr).to(t.device)
        position = t.double() * self.num_betas
        entry = position.floor().clamp(0, self.num_betas - 1).long()
        share = position - entry
        low, high = table[entry], table[entry + 1]
        # where alpha falls to 0 its logarithm has no line to follow: there alpha itself falls linearly
        return torch.where(high.isinf(), low + (-share).log1p(), low + share * (high - low))


Path = LinearPath | CosinePath | DiscretePath
"""Any noising path."""


@cache
def log_alpha_table(
    num_betas: int, betas: tuple[float, float], zero_terminal_snr: bool
) -> Float[Tensor, "num_betas_and_one"]:
    """Logarithms of alpha at the entries of `DiscretePath`, float64; 0 at entry 0, -inf where alpha is 0."""
    alpha = (1 - torch.linspace(*betas, num_betas, dtype=torch.float64)).cumprod(0).sqrt()
    if zero_terminal_snr:
        alpha = (alpha - alpha[-1]) * (alpha[0] / (alpha[0] - alpha[-1]))
    return torch.cat([torch.ones_like(alpha[:1]), alpha]).log()


def path_of(config: DiffusionConfig) -> Path:
    """The path of a configuration."""
    if config.path == "ddpm":
        return DiscretePath(config.num_betas, config.betas, config.zero_terminal_snr)
    return LinearPath() if config.path == "linear" else CosinePath()


def expand(t: Float[Tensor, "..."], like: Float[Tensor, "b *s"]) -> Float[Tensor, "..."]:
    """Times (b,) or () with singleton axes, or (b, f) for latents, where `like` is, so that they multiply it."""
    t = t.to(like.device)
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
    """Velocity d x_t / d arc = alpha' x0 + sigma' noise: noise - x0 on the linear path, alpha noise - sigma x0 on
    variance-preserving ones (the v of Salimans & Ho 2022, arXiv:2202.00512).
    """
    t = expand(t, x0)
    return path.alpha_rate(t) * x0 + path.sigma_rate(t) * noise
