"""What every space that a denoiser can work in has: frames <-> latents of unit variance per channel."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .config import PixelConfig


class Autoencoder(nn.Module):
    """Owns the normalisation: outside of it there is one latent space. Raw latents are its subclass's business."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, latent_channels: int):
        super().__init__()
        self.register_buffer("latent_mean", torch.zeros(latent_channels))
        self.register_buffer("latent_std", torch.ones(latent_channels))

    def encode_raw(self, frames: Float[Tensor, "b c F H W"], chunk: int | None = None) -> Float[Tensor, "b k f h w"]:
        """Latents before normalisation."""
        raise NotImplementedError

    def decode_raw(self, raw: Float[Tensor, "b k f h w"], chunk: int | None = None) -> Float[Tensor, "b c F H W"]:
        """Frames of latents before normalisation."""
        raise NotImplementedError

    def encode(self, frames: Float[Tensor, "b c F H W"], chunk: int | None = None) -> Float[Tensor, "b k f h w"]:
        """Normalised latents. chunk: latent frames at a time, for constant memory; the result is the same."""
        return (self.encode_raw(frames, chunk) - self._column(self.latent_mean)) / self._column(self.latent_std)

    def decode(self, latents: Float[Tensor, "b k f h w"], chunk: int | None = None) -> Float[Tensor, "b c F H W"]:
        """Frames of normalised latents, not clamped. chunk as in `encode`."""
        return self.decode_raw(latents * self._column(self.latent_std) + self._column(self.latent_mean), chunk)

    @torch.no_grad()
    def set_statistics(self, raw_mean: Float[Tensor, "k"], raw_std: Float[Tensor, "k"]) -> None:
        """Store what `encode` subtracts and divides by, measured on the raw latents of training clips."""
        self.latent_mean.copy_(raw_mean)
        self.latent_std.copy_(raw_std.clamp(min=1e-4))

    def _column(self, per_channel: Tensor) -> Tensor:
        return per_channel.reshape(1, -1, 1, 1, 1)


class PixelSpace(Autoencoder):
    """No VAE at all: raw latents are the frames, so a chunk has nothing to remember. Nothing is trained."""

    def __init__(self, config: PixelConfig):
        super().__init__(config.channels)
        self.config = config

    def encode_raw(self, frames: Float[Tensor, "b c F H W"], chunk: int | None = None) -> Float[Tensor, "b k f h w"]:
        """The frames."""
        return frames

    def decode_raw(self, raw: Float[Tensor, "b k f h w"], chunk: int | None = None) -> Float[Tensor, "b c F H W"]:
        """The frames."""
        return raw
