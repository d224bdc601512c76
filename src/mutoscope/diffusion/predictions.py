"""What a network predicts: targets, weights and conversion to x0; the one place where predictions are told apart."""

import torch
from jaxtyping import Float
from torch import Tensor

from .config import Prediction
from .paths import Path, expand, velocity_target


def target_of(
    x0: Float[Tensor, "b c f h w"],
    noise: Float[Tensor, "b c f h w"],
    t: Float[Tensor, "..."],
    path: Path,
    prediction: Prediction,
) -> Float[Tensor, "b c f h w"]:
    """What the network should say about the point of the path at t."""
    if prediction == "velocity":
        return velocity_target(x0, noise, t, path)
    return noise if prediction == "epsilon" else x0


def to_x0(
    output: Float[Tensor, "b *s"],
    xt: Float[Tensor, "b *s"],
    t: Float[Tensor, "..."],
    path: Path,
    prediction: Prediction,
) -> Float[Tensor, "b *s"]:
    """The estimate of x0 that a network's output stands for. Float32 at least, whatever the network runs in.

    From velocity: {xt = a x0 + s n, v = a' x0 + s' n} solved for x0 is s' xt - s v, because a s' - s a' = 1.
    From epsilon: (xt - s n) / a, which needs a > 0.
    """
    output, xt = (x if x.dtype == torch.float64 else x.float() for x in (output, xt))
    if prediction == "x0":
        return output
    t = expand(t, xt)
    if prediction == "epsilon":
        return (xt - path.sigma(t) * output) / path.alpha(t)
    return path.sigma_rate(t) * xt - path.sigma(t) * output


def velocity_of(
    xt: Float[Tensor, "b *s"], x0: Float[Tensor, "b *s"], t: Float[Tensor, "..."], path: Path
) -> Float[Tensor, "b *s"]:
    """Velocity d x_t / d arc of the path through xt from x0, for t > 0: alpha' x0 + sigma' (xt - alpha x0) / sigma."""
    t = expand(t, xt)
    return path.alpha_rate(t) * x0 + path.sigma_rate(t) * (xt - path.alpha(t) * x0) / path.sigma(t)


def loss_weight(
    t: Float[Tensor, "..."], path: Path, prediction: Prediction, min_snr_gamma: float = 0.0
) -> Float[Tensor, "..."]:
    """Factor on the squared error of a network's output.

    min_snr_gamma: 0 for the prediction's own loss: velocity and epsilon errors as they are, x0 errors weighed as
        velocity errors. Above 0 the factor with which any prediction loses min(SNR, min_snr_gamma) times the squared
        error of its x0 (Hang et al. 2023, arXiv:2303.09556, where it is 5). SNR is (alpha / sigma)^2.

    A squared velocity error is 1 / sigma^2 of that of its x0, and an epsilon error SNR of it (see `to_x0`).
    """
    if min_snr_gamma == 0:
        return velocity_weight(t, path) if prediction == "x0" else torch.ones_like(t)
    snr = (path.alpha(t) / path.sigma(t)).square()
    clipped = snr.clamp(max=min_snr_gamma)
    if prediction == "velocity":
        return clipped * path.sigma(t).square()
    return clipped / snr if prediction == "epsilon" else clipped


def velocity_weight(t: Float[Tensor, "..."], path: Path, floor: float = 0.05) -> Float[Tensor, "..."]:
    """Factor that turns a squared error of x0 into one of velocity: 1 / sigma(t)^2.

    floor: smallest sigma, so that nearly clean examples do not swamp the batch (JiT, arXiv:2511.13720).
    """
    return torch.clamp(path.sigma(t), min=floor).reciprocal().square()
