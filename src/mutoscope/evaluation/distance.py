"""How far two sets of feature vectors are from each other: Fréchet distance of Gaussians, polynomial-kernel MMD."""

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian_frechet(
    mean_a: Float[Tensor, " d"], cov_a: Float[Tensor, "d d"], mean_b: Float[Tensor, " d"], cov_b: Float[Tensor, "d d"]
) -> float:
    """Squared 2-Wasserstein distance of two Gaussians (Dowson & Landau 1982; FID, Heusel et al. 2017, 1706.08500).

    |mean_a - mean_b|^2 + tr(cov_a + cov_b - 2 (cov_a^1/2 cov_b cov_a^1/2)^1/2), with both roots by `eigh`: the
    product inside is symmetric, so no complex numbers and no singular-matrix repair.
    """
    values, vectors = torch.linalg.eigh(cov_a.double())
    root_a = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    middle = root_a @ cov_b.double() @ root_a
    cross = torch.linalg.eigvalsh((middle + middle.T) / 2).clamp(min=0).sqrt().sum()
    gap = (mean_a.double() - mean_b.double()).square().sum()
    return (gap + cov_a.double().trace() + cov_b.double().trace() - 2 * cross).clamp(min=0).item()


def frechet_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features; 0 = same mean and covariance.

    Biased upwards for small sets, so print real-against-real of the same size beside it.
    """
    _check(a, b)
    return gaussian_frechet(a.double().mean(0), torch.cov(a.double().T), b.double().mean(0), torch.cov(b.double().T))


def polynomial_mmd(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Squared MMD with the kernel (x.y / d + 1)^3, unbiased (KID; Bińkowski et al. 2018, 1801.01401).

    Zero on average for two sets from one distribution, whatever their size; a single value may be negative.
    """
    _check(a, b)
    within = [_off_diagonal_mean(_cubic(x, x)) for x in (a, b)]
    return (within[0] + within[1] - 2 * _cubic(a, b).mean()).item()


def _cubic(x: Tensor, y: Tensor) -> Tensor:
    return (x.double() @ y.double().T / x.shape[1] + 1) ** 3


def _off_diagonal_mean(kernel: Tensor) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.trace()) / (n * (n - 1))


def _check(a: Tensor, b: Tensor) -> None:
    if min(len(a), len(b)) < 2:
        raise ValueError(f"distance of {len(a)} and {len(b)} feature vectors: each set needs at least 2 clips.")
