"""From its configuration to the space that a denoiser works in."""

from .autoencoder import Autoencoder, PixelSpace
from .config import AutoencoderConfig, PixelConfig
from .model import VideoVAE


def build_autoencoder(config: AutoencoderConfig) -> Autoencoder:
    """A VAE with random weights, or the pixels themselves."""
    return PixelSpace(config) if isinstance(config, PixelConfig) else VideoVAE(config)
