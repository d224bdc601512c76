"""The training loss of a denoising network."""

from jaxtyping import Float
from torch import Tensor

from ..types import Context, Network
from .paths import Path, add_noise, expand, velocity_target
from .predictions import Prediction, velocity_weight


def diffusion_loss(
    network: Network,
    x0: Float[Tensor, "b c f h w"],
    context: Context | None,
    t: Float[Tensor, "..."],
    noise: Float[Tensor, "b c f h w"],
    path: Path,
    prediction: Prediction,
) -> Float[Tensor, "b"]:
    """Squared error of the velocity, mean per clip; the conditional flow-matching loss (Lipman et al. 2022,
    arXiv:2210.02747, eq. 14) on the linear path.

    A network that outputs 0 has expected loss Var[noise - x0] = 2 on unit-variance latents: a first logged loss
    far from 2 means wrong normalisation, sign or target.
    """
    output = network(add_noise(x0, noise, t, path), t, context).float()
    if prediction == "velocity":
        return (output - velocity_target(x0, noise, t, path)).square().flatten(1).mean(1)
    return ((output - x0).square() * velocity_weight(expand(t, x0), path)).flatten(1).mean(1)
