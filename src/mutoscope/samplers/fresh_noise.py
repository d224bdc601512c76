"""Noise that stochastic samplers add on the way."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from ..diffusion.paths import Path

Draw = Callable[[], Tensor]
"""Gives fresh standard normal noise shaped like x at every call; a sampler calls it once per step but the last."""


def fresh_share(t: Float[Tensor, ""], t_next: Float[Tensor, ""], path: Path) -> Float[Tensor, ""]:
    """Share of the noise variance at t_next that a walk from t_next up to t replaces: 1 - SNR(t) / SNR(t_next).

    Float64, because it is near 0 for small steps. 1 from pure noise (nothing of the noise at t_next can be known) and
    at data. Times sigma(t)^2 it is the variance of x_t given x_{t_next}, on DDPM's table beta_t.
    """
    t, t_next = t.double(), t_next.double()
    kept = (path.alpha(t) * path.sigma(t_next)) / (path.alpha(t_next) * path.sigma(t))
    return 1 - kept.square()
