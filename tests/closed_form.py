"""Gaussian data: the ideal denoiser and what the exact sampling ODE and SDE make of noise, each in a few lines."""

from collections.abc import Callable

import torch
from torch import Tensor

from mutoscope.diffusion.paths import Path, expand
from mutoscope.types import Denoiser

MEAN, STD = 0.7, 0.4


def exact_denoiser(path: Path, mean: float = MEAN, std: float = STD) -> Denoiser:
    """E[x0 | x_t] for x0 ~ N(mean, std^2): precision-weighted mean of the prior and the observation."""

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        t = expand(t, x)
        a, s = path.alpha(t), path.sigma(t)
        return (mean * s**2 + a * std**2 * x) / (s**2 + a**2 * std**2)

    return denoise


def joint_denoiser(mean: Tensor, covariance: Tensor, path: Path) -> Denoiser:
    """E[x0 | x_t] for frames x0 ~ N(mean (f,), covariance (f, f)), alike and independent in every row and column.

    With A = diag(alpha), S = diag(sigma) of each frame's own time: mean + C A (A C A + S^2)^-1 (x_t - A mean).
    """

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        t = t.to(x.dtype) if t.ndim == 2 else t.to(x.dtype)[:, None].expand(-1, x.shape[2])
        a, s = path.alpha(t), path.sigma(t)  # (b, f)
        seen = a[:, :, None] * covariance * a[:, None, :] + torch.diag_embed(s.square())
        residual = x.movedim(2, 1).flatten(2) - (a * mean)[..., None]  # (b, f, c h w)
        x0 = mean[:, None] + covariance @ (a[..., None] * torch.linalg.solve(seen, residual))
        return x0.unflatten(2, (x.shape[1], *x.shape[3:])).movedim(1, 2)

    return denoise


def conditional(
    mean: Tensor, covariance: Tensor, seen: Tensor, values: Tensor, alpha: float = 1.0, sigma: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the frames that are not `seen` (f,), given values = alpha * x + sigma * noise of those."""
    cross = alpha * covariance[~seen][:, seen]
    gain = cross @ torch.linalg.inv(alpha**2 * covariance[seen][:, seen] + sigma**2 * torch.eye(int(seen.sum())))
    return mean[~seen] + gain @ (values - alpha * mean[seen]), covariance[~seen][:, ~seen] - gain @ cross.T


def exact_sample(noise: Tensor, path: Path, mean: float = MEAN, std: float = STD) -> Tensor:
    """Where the probability-flow ODE carries `noise`: the standardised residual is conserved."""
    one = torch.ones((), dtype=noise.dtype)
    a, s = path.alpha(one), path.sigma(one)
    return mean + std * (s * noise - a * mean) / (s**2 + a**2 * std**2).sqrt()


def exact_moments(path: Path, mean: float = MEAN, std: float = STD) -> tuple[float, float]:
    """Mean and variance of what the exact SDE makes of x_1 ~ N(0, sigma(1)^2): those of x0 given x_1, over all x_1.

    They are the data's own where alpha(1) = 0; the ancestral walk is the exact posterior of every step.
    """
    one = torch.ones((), dtype=torch.float64)
    a, s = path.alpha(one).item(), path.sigma(one).item()
    spread = s**2 + a**2 * std**2
    return mean * s**2 / spread, (a * std**2 / spread) ** 2 * s**2 + std**2 * s**2 / spread


def moments(sample: Callable[[Tensor, Callable[[], Tensor]], Tensor], draws: int) -> tuple[float, float]:
    """Mean and variance over all noise of a sampler that is affine in it, exactly: no sample is drawn.

    sample: (noise (n, 1), draw) -> (n, 1). Row 0 sees only zeros, row k > 0 a single one in its k-th normal number:
    the mean is row 0, the variance the squares of the others' distances from it. draws: calls of draw, all made.
    """
    number = iter(range(draws + 1))
    unit = torch.eye(draws + 2, dtype=torch.float64)[:, 1:]

    def draw() -> Tensor:
        k = next(number)
        return unit[:, k : k + 1]

    found = sample(draw(), draw)[:, 0]
    assert next(number, None) is None, "fewer draws than announced"
    return found[0].item(), (found[1:] - found[0]).square().sum().item()
