"""The video VAE: frames <-> latents, causal in time, at constant memory for any length."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ResidualBlock, SpaceGrow, SpacePool, TimeGrow, TimePool, fold
from .config import VAEConfig
from .memory import Memory
from .posterior import Posterior

UNSHUFFLE = 4  # the first 4x4 pixels go straight into channels: small grids make convolutions cheap


def latent_frames(num_frames: int, temporal_stride: int) -> int:
    """1 + stride*k frames become 1 + k latent frames; any other count is an error."""
    if num_frames < 1 or (num_frames - 1) % temporal_stride:
        below = max(1, num_frames - (num_frames - 1) % temporal_stride)
        raise ValueError(
            f"{num_frames} frames do not fit the VAE: with temporal stride {temporal_stride} a clip needs "
            f"1 + {temporal_stride}*k frames. Nearest: {below} or {below + temporal_stride}."
        )
    return 1 + (num_frames - 1) // temporal_stride


def latent_shape(config: VAEConfig, num_frames: int, height: int, width: int) -> tuple[int, int, int, int]:
    """(channels, frames, rows, columns) of the latents of a clip; ValueError where the clip does not fit."""
    s = config.spatial_stride
    if height % s or width % s:
        raise ValueError(
            f"frames of {height}x{width} do not fit the VAE: height and width must be multiples of {s}. "
            f"Nearest: {max(1, round(height / s)) * s}x{max(1, round(width / s)) * s}."
        )
    return config.latent_channels, latent_frames(num_frames, config.temporal_stride), height // s, width // s


def compression_ratio(config: VAEConfig, num_frames: int, height: int, width: int) -> float:
    """Numbers in a clip over numbers in its latents."""
    c, f, h, w = latent_shape(config, num_frames, height, width)
    return config.channels * num_frames * height * width / (c * f * h * w)


def _times(stride: int) -> int:
    return {1: 0, 2: 1, 4: 2}[stride]


class Encoder(nn.Module):
    """Frames to the mean and log-variance of the posterior."""

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.stem = nn.Conv2d(config.channels * UNSHUFFLE**2, config.width, 3, padding=1)
        layers: list[nn.Module] = [SpacePool(config.width)] if config.spatial_stride == 8 else []
        for _ in range(_times(config.temporal_stride)):
            layers += [ResidualBlock(config.width, config.memory), TimePool(config.width)]
        layers += [ResidualBlock(config.width, config.memory) for _ in range(config.depth)]
        self.layers = nn.ModuleList(layers)
        self.head = nn.Conv2d(config.width, 2 * config.latent_channels, 3, padding=1)

    def forward(self, frames: Tensor, memory: Memory) -> Tensor:
        """(b, s*k, c, H, W) -> (b, k, 2 * latent channels, h, w)."""
        memory.rewind()
        x = fold(self.stem, F.pixel_unshuffle(frames, UNSHUFFLE))
        for layer in self.layers:
            x = layer(x, memory)
        return fold(self.head, F.silu(x))


class Decoder(nn.Module):
    """Latents to frames: the encoder mirrored."""

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.stem = nn.Conv2d(config.latent_channels, config.width, 3, padding=1)
        layers: list[nn.Module] = [ResidualBlock(config.width, config.memory) for _ in range(config.depth)]
        for _ in range(_times(config.temporal_stride)):
            layers += [TimeGrow(config.width), ResidualBlock(config.width, config.memory)]
        if config.spatial_stride == 8:
            layers.append(SpaceGrow(config.width))
        self.layers = nn.ModuleList(layers)
        self.head = nn.Conv2d(config.width, config.channels * UNSHUFFLE**2, 3, padding=1)

    def forward(self, latents: Tensor, memory: Memory) -> Tensor:
        """(b, k, latent channels, h, w) -> (b, s*k, c, H, W)."""
        memory.rewind()
        x = fold(self.stem, latents)
        for layer in self.layers:
            x = layer(x, memory)
        return F.pixel_shuffle(fold(self.head, F.silu(x)), UNSHUFFLE)


class VideoVAE(nn.Module):
    """Encoder, decoder and the statistics that make the latents unit variance per channel."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.register_buffer("latent_mean", torch.zeros(config.latent_channels))
        self.register_buffer("latent_std", torch.ones(config.latent_channels))

    def posterior(self, frames: Float[Tensor, "b c F H W"]) -> Posterior:
        """Distribution of the raw latents, before normalisation: for the VAE's own training."""
        return self._posterior_of_chunk(frames, Memory())

    def encode(self, frames: Float[Tensor, "b c F H W"], chunk: int | None = None) -> Float[Tensor, "b k f h w"]:
        """Normalised posterior mean. chunk: latent frames at a time, for constant memory; the result is the same."""
        latent_shape(self.config, *frames.shape[2:])
        memory = Memory()
        means = [self._posterior_of_chunk(part, memory).mean for part in self._split(frames, chunk)]
        return (torch.cat(means, dim=2) - self._column(self.latent_mean)) / self._column(self.latent_std)

    def decode(self, latents: Float[Tensor, "b k f h w"], chunk: int | None = None) -> Float[Tensor, "b c F H W"]:
        """Frames of normalised latents, not clamped. chunk as in `encode`."""
        raw = latents * self._column(self.latent_std) + self._column(self.latent_mean)
        return self.decode_raw(raw, chunk)

    def decode_raw(self, raw: Float[Tensor, "b k f h w"], chunk: int | None = None) -> Float[Tensor, "b c F H W"]:
        """Frames of latents as the posterior gives them: for the VAE's own training."""
        memory = Memory()
        parts = []
        for part in raw.split(chunk or raw.shape[2], dim=2):
            frames = self.decoder(part.transpose(1, 2), memory).transpose(1, 2)
            parts.append(frames)
        # The first latent frame stands for one frame; it was grown to `stride`, of which the last is real.
        return torch.cat(parts, dim=2)[:, :, self.config.temporal_stride - 1 :]

    @torch.no_grad()
    def set_statistics(self, raw_mean: Float[Tensor, "k"], raw_std: Float[Tensor, "k"]) -> None:
        """Store what `encode` subtracts and divides by, measured on the posterior means of training clips."""
        self.latent_mean.copy_(raw_mean)
        self.latent_std.copy_(raw_std.clamp(min=1e-4))

    def _posterior_of_chunk(self, frames: Tensor, memory: Memory) -> Posterior:
        if memory.at_start:  # the first frame has no companions to be pooled with: repeat it
            frames = torch.cat([frames[:, :, :1]] * (self.config.temporal_stride - 1) + [frames], dim=2)
        mean, log_variance = self.encoder(frames.transpose(1, 2), memory).transpose(1, 2).chunk(2, dim=1)
        return Posterior(mean, log_variance)

    def _split(self, frames: Tensor, chunk: int | None) -> Iterator[Tensor]:
        stride = self.config.temporal_stride
        if chunk is None:
            yield frames
            return
        first = 1 + stride * (chunk - 1)
        yield frames[:, :, :first]
        if frames.shape[2] > first:
            yield from frames[:, :, first:].split(stride * chunk, dim=2)

    def _column(self, per_channel: Tensor) -> Tensor:
        return per_channel.reshape(1, -1, 1, 1, 1)
