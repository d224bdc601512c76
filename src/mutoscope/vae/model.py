"""The video VAE: frames <-> latents, causal in time, at constant memory for any length."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from .autoencoder import Autoencoder
from .config import AutoencoderConfig, PixelConfig, VAEConfig
from .memory import Memory
from .network import Decoder, Encoder
from .posterior import Posterior
from .tiling import Tiling, in_tiles


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


def frames_within(config: AutoencoderConfig, num_latents: int) -> int:
    """Frames that the first `num_latents` latent frames of a clip stand for; inverse of `latent_frames`."""
    if isinstance(config, PixelConfig):
        return num_latents
    stride = config.temporal_stride
    return 1 + stride * (num_latents - 1) if config.first_frame_alone else stride * num_latents


def frame_places(config: AutoencoderConfig, num_frames: int) -> list[int]:
    """The latent frame that each frame is decoded from."""
    places, latent = [], 0
    for frame in range(num_frames):
        while frames_within(config, latent + 1) <= frame:
            latent += 1
        places.append(latent)
    return places


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


class VideoVAE(Autoencoder):
    """Encoder and decoder, trained together before the denoiser."""

    def __init__(self, config: VAEConfig):
        super().__init__(config.latent_channels)
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    def posterior(self, frames: Float[Tensor, "b c F H W"]) -> Posterior:
        """Distribution of the raw latents, before normalisation: for the VAE's own training."""
        return self._posterior(frames, Memory())

    def raw_latents(
        self, pieces: Iterable[Float[Tensor, "b c _ H W"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b k _ h w"]]:
        """Posterior means of every piece of one clip; ValueError where a piece does not fit."""
        stride, memories = self.config.spatial_stride, defaultdict(Memory)  # one per tile

        def step(tile: int, part: Tensor) -> Tensor:
            return self._posterior(part, memories[tile]).mean

        for frames in pieces:
            self._check_piece(frames, first=not memories)
            yield step(0, frames) if tiling is None else in_tiles(step, frames, tiling, stride, 1)

    def raw_frames(
        self, pieces: Iterable[Float[Tensor, "b k _ h w"]], tiling: Tiling | None = None
    ) -> Iterator[Float[Tensor, "b c _ H W"]]:
        """Frames, not clamped, of every piece of one clip's latents as the posterior gives them."""
        stride, memories = self.config.spatial_stride, defaultdict(Memory)  # one per tile

        def step(tile: int, part: Tensor) -> Tensor:
            first = memories[tile].at_start
            frames = self.decoder(part.transpose(1, 2), memories[tile]).transpose(1, 2)
            # A first latent frame that stands for one frame was grown to `stride`, of which the last is real.
            return frames[:, :, self._companions :] if first else frames

        for raw in pieces:
            yield step(0, raw) if tiling is None else in_tiles(step, raw, tiling, 1, stride)

    def split(self, frames: Float[Tensor, "b c F H W"], chunk: int | None) -> Iterable[Float[Tensor, "b c _ H W"]]:
        """Pieces of `chunk` latent frames each; none = the clip in one piece."""
        latent_shape(self.config, *frames.shape[2:])
        if chunk is None:
            return [frames]
        first, later = frames_within(self.config, chunk), self.config.temporal_stride * chunk
        num_frames = frames.shape[2]
        return [frames[:, :, :first], *(frames[:, :, at : at + later] for at in range(first, num_frames, later))]

    @property
    def _companions(self) -> int:
        """Frames that the first one needs beside it to be pooled into a latent frame."""
        return self.config.temporal_stride - 1 if self.config.first_frame_alone else 0

    def _check_piece(self, frames: Tensor, first: bool) -> None:
        """ValueError for a piece of a clip that no whole number of latent frames stands for."""
        if first:
            latent_shape(self.config, *frames.shape[2:])
        elif frames.shape[2] % self.config.temporal_stride:
            raise ValueError(
                f"a clip cannot go on with a piece of {frames.shape[2]} frames: after the first, the VAE takes "
                f"{self.config.temporal_stride}*k."
            )

    def _posterior(self, frames: Tensor, memory: Memory) -> Posterior:
        if memory.at_start and self._companions:  # the first frame stands for them, too
            frames = torch.cat([frames[:, :, :1]] * self._companions + [frames], dim=2)
        mean, log_variance = self.encoder(frames.transpose(1, 2), memory).transpose(1, 2).chunk(2, dim=1)
        return Posterior(mean, log_variance)
