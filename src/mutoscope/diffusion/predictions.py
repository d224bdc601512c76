"""What a network predicts, and its conversion to x0: the one place where predictions are told apart."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .paths import Path, expand

Prediction = Literal["velocity", "x0"]


def to_x0(
    output: Float[Tensor, "b c f h w"],
    xt: Float[Tensor, "b c f h w"],
    t: Float[Tensor, "..."],
    path: Path,
    prediction: Prediction,
) -> Float[Tensor, "b c f h w"]:
    """The estimate of x0 that a network's output stands for. Float32, whatever the network runs in.

    From velocity: solve {xt = a x0 + s n, v = a' x0 + s' n} for x0; on the linear path xt - t v.
    """
    output, xt = output.float(), xt.float()
    if prediction == "x0":
        return output
    t = expand(t, xt)
    alpha, sigma, alpha_rate, sigma_rate = path.alpha(t), path.sigma(t), path.alpha_rate(t), path.sigma_rate(t)
    return (sigma_rate * xt - sigma * output) / (sigma_rate * alpha - sigma * alpha_rate)


def velocity_weight(t: Float[Tensor, "..."], path: Path, floor: float = 0.05) -> Float[Tensor, "..."]:
    """Factor that turns a squared error of x0 into one of velocity, 1 / sigma(t)^2 on the linear path.

    floor: smallest sigma, so that nearly clean examples do not swamp the batch (JiT, arXiv:2511.13720).
    """
    rate = (path.sigma_rate(t) * path.alpha(t) - path.sigma(t) * path.alpha_rate(t)).abs()
    return (rate / torch.clamp(path.sigma(t), min=floor)).square()
