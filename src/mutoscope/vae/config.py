"""The shape of the video VAE."""

from typing import Annotated, Literal

from pydantic import Field

from ..config import Config


class VAEConfig(Config):
    """Causal video VAE: 2-D convolutions on folded frames, with memory of the previous frame."""

    channels: Literal[1, 3] = 3
    """Channels of the frames: 1 grey, 3 RGB."""
    latent_channels: Annotated[int, Field(ge=1)] = 8
    """Channels of the latents."""
    spatial_stride: Literal[4, 8] = 4
    """Pixels per latent row and column."""
    temporal_stride: Literal[1, 2, 4] = 4
    """Frames per latent frame after the first: 1 + stride*k frames become 1 + k latent frames."""
    memory: bool = True
    """Blocks see the previous frame; without it (and stride 1) this is the per-frame 2-D VAE of the tutorial."""
    width: Annotated[int, Field(ge=8)] = 64
    """Channels inside the blocks."""
    depth: Annotated[int, Field(ge=1)] = 2
    """Blocks at each resolution."""
    kl_weight: Annotated[float, Field(ge=0)] = 1e-4
    """Weight of the KL term, mean per latent element, beside a reconstruction loss that is a mean per pixel."""
    difference_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the L1 between frame-to-frame differences: keeps motion sharp."""
