"""What the VAE is trained on."""

from jaxtyping import Float
from torch import Tensor

from .config import VAEConfig
from .model import VideoVAE


def vae_loss(
    vae: VideoVAE, frames: Float[Tensor, "b c F H W"], noise: Float[Tensor, "b k f h w"], config: VAEConfig
) -> Float[Tensor, "b"]:
    """Reconstruction + kl_weight * KL + difference_weight * error of frame-to-frame changes, mean per clip.

    The reconstruction error is |e| + 5 e^2: L1 alone is content with a blank frame where sprites are small.
    """
    posterior = vae.posterior(frames)
    error = (vae.decode_raw(posterior.sample(noise)) - frames).float()
    loss = (error.abs() + 5 * error.square()).flatten(1).mean(1) + config.kl_weight * posterior.kl().float()
    if config.difference_weight and frames.shape[2] > 1:
        change = error[:, :, 1:] - error[:, :, :-1]
        loss = loss + config.difference_weight * change.abs().flatten(1).mean(1)
    return loss
