"""The video VAE: frames <-> latents, causal in time, at constant memory for any length."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .autoencoder import Autoencoder
from .blocks import ResidualBlock, SpaceGrow, SpacePool, TimeGrow, TimePool, fold
from .config import AutoencoderConfig, PixelConfig, VAEConfig
from .memory import Memory
from .posterior import Posterior

UNSHUFFLE = 4  # the first 4x4 pixels go straight into channels: small grids make convolutions cheap


def latent_frames(num_frames: int, temporal_stride: int, first_frame_alone: bool = True) -> int:
    """1 + stride*k frames become 1 + k latent frames (without a first frame alone: stride*k become k)."""
    if not first_frame_alone:
        if num_frames < 1 or num_frames % temporal_stride:
            below = max(1, num_frames // temporal_stride) * temporal_stride
            raise ValueError(
                f"{num_frames} frames do not fit the VAE: with temporal stride {temporal_stride} and no first frame "
                f"alone a clip needs {temporal_stride}*k frames. Nearest: {below} or {below + temporal_stride}."
            )
        return num_frames // temporal_stride
    if num_frames < 1 or (num_frames - 1) % temporal_stride:
        below = max(1, num_frames - (num_frames - 1) % temporal_stride)
        raise ValueError(
            f"{num_frames} frames do not fit the VAE: with temporal stride {temporal_stride} a clip needs "
            f"1 + {temporal_stride}*k frames. Nearest: {below} or {below + temporal_stride}."
        )
    return 1 + (num_frames - 1) // temporal_stride


def longest_clip(config: AutoencoderConfig, num_frames: int) -> int:
    """The largest number of frames that fits, at most num_frames (but never less than the shortest clip)."""
    if isinstance(config, PixelConfig):
        return num_frames
    stride, rest = config.temporal_stride, 1 if config.first_frame_alone else 0
    return max(rest or stride, num_frames - (num_frames - rest) % stride)


def latent_shape(config: AutoencoderConfig, num_frames: int, height: int, width: int) -> tuple[int, int, int, int]:
    """(channels, frames, rows, columns) of the latents of a clip; ValueError where the clip does not fit."""
    if isinstance(config, PixelConfig):
        return config.channels, num_frames, height, width
    s = config.spatial_stride
    if height % s or width % s:
        raise ValueError(
            f"frames of {height}x{width} do not fit the VAE: height and width must be multiples of {s}. "
            f"Nearest: {max(1, round(height / s)) * s}x{max(1, round(width / s)) * s}."
        )
    frames = latent_frames(num_frames, config.temporal_stride, config.first_frame_alone)
    return config.latent_channels, frames, height // s, width // s


def compression_ratio(config: AutoencoderConfig, num_frames: int, height: int, width: int) -> float:
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


class VideoVAE(Autoencoder):
    """Encoder and decoder, trained together before the denoiser."""

    def __init__(self, config: VAEConfig):
        super().__init__(config.latent_channels)
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    def posterior(self, frames: Float[Tensor, "b c F H W"]) -> Posterior:
        """Distribution of the raw latents, before normalisation: for the VAE's own training."""
        return self._posterior_of_chunk(frames, Memory())

    def encode_raw(self, frames: Float[Tensor, "b c F H W"], chunk: int | None = None) -> Float[Tensor, "b k f h w"]:
        """Posterior mean. chunk: latent frames at a time, for constant memory; the result is the same."""
        latent_shape(self.config, *frames.shape[2:])
        memory = Memory()
        return torch.cat([self._posterior_of_chunk(part, memory).mean for part in self._split(frames, chunk)], dim=2)

    def decode_raw(self, raw: Float[Tensor, "b k f h w"], chunk: int | None = None) -> Float[Tensor, "b c F H W"]:
        """Frames of latents as the posterior gives them, not clamped. chunk as in `encode_raw`."""
        memory = Memory()
        parts = []
        for part in raw.split(chunk or raw.shape[2], dim=2):
            frames = self.decoder(part.transpose(1, 2), memory).transpose(1, 2)
            parts.append(frames)
        # A first latent frame that stands for one frame was grown to `stride`, of which the last is real.
        return torch.cat(parts, dim=2)[:, :, self._companions :]

    @property
    def _companions(self) -> int:
        """Frames that the first one needs beside it to be pooled into a latent frame."""
        return self.config.temporal_stride - 1 if self.config.first_frame_alone else 0

    def _posterior_of_chunk(self, frames: Tensor, memory: Memory) -> Posterior:
        if memory.at_start and self._companions:  # the first frame stands for them, too
            frames = torch.cat([frames[:, :, :1]] * self._companions + [frames], dim=2)
        mean, log_variance = self.encoder(frames.transpose(1, 2), memory).transpose(1, 2).chunk(2, dim=1)
        return Posterior(mean, log_variance)

    def _split(self, frames: Tensor, chunk: int | None) -> Iterator[Tensor]:
        stride = self.config.temporal_stride
        if chunk is None:
            yield frames
            return
        first = stride * chunk - self._companions
        yield frames[:, :, :first]
        if frames.shape[2] > first:
            yield from frames[:, :, first:].split(stride * chunk, dim=2)
