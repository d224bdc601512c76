"""What the VAE is trained on."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from .config import VAEConfig
from .model import VideoVAE


@dataclass(frozen=True)
class Hardships:
    """What makes reconstruction harder for some clips of a batch, so that latents become easier to generate."""

    hidden: Bool[Tensor, "b 1 f h w"]
    """Places whose latents the decoder does not see."""
    halved: Bool[Tensor, " b"]
    """Clips that must also be decoded at half the size."""


def draw_hardships(choice: Float[Tensor, " b"], places: Float[Tensor, "b 1 f h w"], config: VAEConfig) -> Hardships:
    """choice: one uniform number per clip; places: one per latent place. No clip gets both as long as the shares add
    up to at most 1.

    Hidden are a quarter, a half or three quarters of the places, equally often (the ratios of SSVAE's latent masking,
    arXiv:2512.05394).
    """
    ratio = torch.ceil(3 * choice / max(config.mask_share, 1e-9)) / 4
    hidden = (choice < config.mask_share)[:, None, None, None, None] & (places < ratio[:, None, None, None, None])
    return Hardships(hidden, choice >= 1 - config.scale_share)


def vae_loss(
    vae: VideoVAE,
    frames: Float[Tensor, "b c F H W"],
    noise: Float[Tensor, "b k f h w"],
    config: VAEConfig,
    hardships: Hardships | None = None,
) -> Float[Tensor, "b"]:
    """Reconstruction + kl_weight * KL, mean per clip.

    Clips to be halved add the error of pixels at half the size, from latents at half the size: a decoder that commutes
    with scaling has smoother latents (Skorokhodov et al. 2025, arXiv:2502.14831, eq. 4).
    """
    posterior = vae.posterior(frames)
    latents = posterior.sample(noise)
    seen = latents
    if hardships is not None:
        seen = latents.masked_fill(hardships.hidden.to(latents.device), 0.0)  # 0 is the prior's mean
    loss = reconstruction_loss(vae.decode_raw(seen) - frames, config) + config.kl_weight * posterior.kl().float()
    if hardships is not None and hardships.halved.any():
        rows = hardships.halved.nonzero()[:, 0].to(latents.device)
        small = vae.decode_raw(halve(latents[rows])) - halve(frames[rows])
        loss = loss.index_add(0, rows, _pixel_loss(small, config))
    return loss


def reconstruction_loss(error: Float[Tensor, "b c F H W"], config: VAEConfig) -> Float[Tensor, "b"]:
    """What decoded frames are away from the real ones by: pixels + difference_weight * L1 of frame-to-frame changes +
    multiscale_weight * (L1 at half the size + L1 at a quarter), mean per clip.

    Large scales are cheap to get right and come first: they lead out of the grey start.
    """
    loss = _pixel_loss(error, config)
    if config.difference_weight and error.shape[2] > 1:
        loss = loss + config.difference_weight * _l1(error[:, :, 1:] - error[:, :, :-1])
    if config.multiscale_weight:
        half = halve(error)
        loss = loss + config.multiscale_weight * (_l1(half) + _l1(halve(half)))
    return loss


def halve(clips: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h/2 w/2"]:
    """Half the rows and columns by averaging; an odd last row or column is left out."""
    # In two dimensions, which is there for bfloat16, too.
    return F.avg_pool2d(clips.flatten(1, 2), 2).unflatten(1, clips.shape[1:3])


def _pixel_loss(error: Float[Tensor, "b c F H W"], config: VAEConfig) -> Float[Tensor, "b"]:
    """L1 + square_weight * squared error: L1 alone is content with a blank frame where sprites are small."""
    error = error.float()
    return (error.abs() + config.square_weight * error.square()).flatten(1).mean(1)


def _l1(error: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b"]:
    return error.float().abs().flatten(1).mean(1)
