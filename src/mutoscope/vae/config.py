"""Where the denoiser works: in the latents of a video VAE, or on the pixels themselves."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

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
    first_frame_alone: bool = True
    """The first latent frame stands for one frame, so a picture is a clip; off: clips of stride*k frames become k."""
    memory: bool = True
    """Blocks see the previous frame; without it (and stride 1) this is the per-frame 2-D VAE of the tutorial."""
    width: Annotated[int, Field(ge=8)] = 64
    """Channels inside the blocks."""
    depth: Annotated[int, Field(ge=1)] = 2
    """Blocks at each resolution."""
    shortcuts: bool = False
    """Pooling and growing also pass on averages and copies: learns faster."""
    kl_weight: Annotated[float, Field(ge=0)] = 1e-4
    """Weight of the KL term, mean per latent element, beside a reconstruction loss that is a mean per pixel."""
    square_weight: Annotated[float, Field(ge=0)] = 5.0
    """Weight of the squared error beside the L1: small sprites need it, real video does without."""
    difference_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the L1 between frame-to-frame differences: keeps motion sharp."""
    multiscale_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the L1 at half and at a quarter of the size."""
    adversarial_weight: Annotated[float, Field(ge=0)] = 0.0
    """Above 0 the decoder then learns to fool a discriminator, for a quarter of the steps more: sharper, and farther
    from the original."""
    scale_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the clips whose latents at half the size must also decode to the clip at half the size."""
    mask_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the clips that are decoded with a quarter to three quarters of their latents hidden."""


class PixelConfig(Config):
    """No VAE: the denoiser works on frames, brought to unit variance; one latent element per pixel."""

    channels: Literal[1, 3] = 3
    """Channels of the frames: 1 grey, 3 RGB."""
    space: Literal["pixels"] = "pixels"
    """Says so in config.json."""

    @property
    def latent_channels(self) -> int:
        """The frames' own."""
        return self.channels


def _kind(value: Any) -> str:
    """Which space a configuration is of: only pixel space has `space`."""
    return "(pixels)" if isinstance(value, PixelConfig) or (isinstance(value, dict) and "space" in value) else "(vae)"


AutoencoderConfig = Annotated[
    Annotated[VAEConfig, Tag("(vae)")] | Annotated[PixelConfig, Tag("(pixels)")], Discriminator(_kind)
]
"""Either space. Told apart before validation, so that a mistake is reported for the one that was meant."""
