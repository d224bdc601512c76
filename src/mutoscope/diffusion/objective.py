"""The training loss of a denoising network."""

from jaxtyping import Bool, Float
from torch import Tensor

from ..types import Context, Network
from .config import Prediction
from .paths import Path, add_noise, expand
from .predictions import loss_weight, target_of


def diffusion_loss(
    network: Network,
    x0: Float[Tensor, "b c f h w"],
    context: Context | None,
    t: Float[Tensor, "..."],
    noise: Float[Tensor, "b c f h w"],
    path: Path,
    prediction: Prediction,
    min_snr_gamma: float = 0.0,
    given: Bool[Tensor, "b f"] | None = None,
) -> Float[Tensor, "b"]:
    """Weighted squared error of what the network predicts, mean per clip: with velocity on the linear path the
    conditional flow-matching loss (Lipman et al. 2022, arXiv:2210.02747, eq. 14), with epsilon the simple loss of
    DDPM (Ho et al. 2020, arXiv:2006.11239, eq. 14), with x0 the velocity's loss of its x0.

    On unit-variance latents a network that outputs 0 has an expected loss of 2 with velocity on the linear path
    (Var[noise - x0]), of 1 with velocity on the others and with epsilon: a first logged loss far from it means wrong
    normalisation or another target. min_snr_gamma: see `loss_weight`; 0 = off. given: latent frames that do not count,
    because the network is shown them; the mean is over the others, of which each clip needs one.
    """
    output = network(add_noise(x0, noise, t, path), t, context).float()
    error = (output - target_of(x0, noise, t, path, prediction)).square()
    error = error * loss_weight(expand(t, x0), path, prediction, min_snr_gamma)
    if given is None:
        return error.flatten(1).mean(1)
    return error.mean(dim=(1, 3, 4)).masked_fill(given, 0).sum(1) / (~given).sum(1)
