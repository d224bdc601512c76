"""What every space that a denoiser can work in has: frames <-> latents of unit variance per channel."""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .config import PixelConfig
from .tiling import Tiling


class Autoencoder(nn.Module):
    """Owns the normalisation: outside of it there is one latent space. Raw latents are its subclass's business.

    A clip comes whole or in pieces. Its first piece is as long as a clip may be, the others whole latent frames more;
    how it is cut changes nothing but rounding.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, latent_channels: int):
        super().__init__()
        self.register_buffer("latent_mean", torch.zeros(latent_channels))
        self.register_buffer("latent_std", torch.ones(latent_channels))

    def raw_latents(
        self, pieces: Iterable[Float[Tensor, "b c _ H W"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b k _ h w"]]:
        """Latents before normalisation of every piece of one clip."""
        raise NotImplementedError

    def raw_frames(
        self, pieces: Iterable[Float[Tensor, "b k _ h w"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b c _ H W"]]:
        """Frames of every piece of one clip's latents before normalisation."""
        raise NotImplementedError

    def split(self, frames: Float[Tensor, "b c F H W"], chunk: int | None) -> Iterable[Float[Tensor, "b c _ H W"]]:
        """Pieces of `chunk` latent frames each; none = the clip in one piece."""
        return frames.split(chunk or frames.shape[2], dim=2)

    def encode_raw(self, frames: Float[Tensor, "b c F H W"], chunk: int | None = None) -> Float[Tensor, "b k f h w"]:
        """Latents before normalisation. chunk as in `encode`."""
        return torch.cat(list(self.raw_latents(self.split(frames, chunk))), dim=2)

    def decode_raw(self, raw: Float[Tensor, "b k f h w"], chunk: int | None = None) -> Float[Tensor, "b c F H W"]:
        """Frames of latents before normalisation, not clamped. chunk as in `encode`."""
        return torch.cat(list(self.raw_frames(raw.split(chunk or raw.shape[2], dim=2))), dim=2)

    def encode(
        self, frames: Float[Tensor, "b c F H W"], chunk: int | None = None, tiling: Tiling | None = None
    ) -> Float[Tensor, "b k f h w"]:
        """Normalised latents. chunk: latent frames at a time, for memory that does not grow with the clip's length.

        tiling: for memory that does not grow with its height and width, see `vae.tiling.tiling_of`.
        """
        return torch.cat(list(self.encode_stream(self.split(frames, chunk), tiling)), dim=2)

    def decode(
        self, latents: Float[Tensor, "b k f h w"], chunk: int | None = None, tiling: Tiling | None = None
    ) -> Float[Tensor, "b c F H W"]:
        """Frames of normalised latents, not clamped. chunk and tiling as in `encode`."""
        pieces = latents.split(chunk or latents.shape[2], dim=2)
        return torch.cat(list(self.decode_stream(pieces, tiling)), dim=2)

    def encode_stream(
        self, pieces: Iterable[Float[Tensor, "b c _ H W"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b k _ h w"]]:
        """Normalised latents of every piece of one clip, as soon as it is there."""
        for raw in self.raw_latents(pieces, tiling):
            yield (raw - self._column(self.latent_mean)) / self._column(self.latent_std)

    def decode_stream(
        self, pieces: Iterable[Float[Tensor, "b k _ h w"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b c _ H W"]]:
        """Frames, not clamped, of every piece of one clip's normalised latents, as soon as it is there."""
        raw = (piece * self._column(self.latent_std) + self._column(self.latent_mean) for piece in pieces)
        return self.raw_frames(raw, tiling)

    @torch.no_grad()
    def set_statistics(self, raw_mean: Float[Tensor, "k"], raw_std: Float[Tensor, "k"]) -> None:
        """Store what `encode` subtracts and divides by, measured on the raw latents of training clips."""
        self.latent_mean.copy_(raw_mean)
        self.latent_std.copy_(raw_std.clamp(min=1e-4))

    def _column(self, per_channel: Tensor) -> Tensor:
        return per_channel.reshape(1, -1, 1, 1, 1)


class PixelSpace(Autoencoder):
    """No VAE at all: raw latents are the frames, so there is nothing to remember or to blend. Nothing is trained."""

    def __init__(self, config: PixelConfig):
        super().__init__(config.channels)
        self.config = config

    def raw_latents(
        self, pieces: Iterable[Float[Tensor, "b c _ H W"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b k _ h w"]]:
        """The frames."""
        yield from pieces

    def raw_frames(
        self, pieces: Iterable[Float[Tensor, "b k _ h w"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b c _ H W"]]:
        """The frames."""
        yield from pieces
