"""From a configuration to its network."""

from torch import nn

from .config import DenoiserConfig, UNetConfig
from .dit import DiT
from .unet import UNet


def build_denoiser(config: DenoiserConfig, latent_channels: int, context_dim: int) -> nn.Module:
    """The `Network` that a configuration describes, with random weights, silent at first.

    latent_channels: channels of what is denoised; context_dim: width of the text tokens.
    """
    if isinstance(config, UNetConfig):
        return UNet(config, latent_channels, context_dim)
    return DiT(config, latent_channels, context_dim)
