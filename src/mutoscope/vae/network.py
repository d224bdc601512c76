"""The networks of the video VAE: blocks on folded frames, coarser step by step, and the same mirrored."""

from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ResidualBlock, SpaceGrow, SpacePool, TimeGrow, TimePool, fold
from .config import VAEConfig
from .memory import Memory

UNSHUFFLE = 4  # the first 4x4 pixels go straight into channels: small grids make convolutions cheap


def receptive_radius(config: VAEConfig) -> int:
    """Rows and columns of latents around its own that a latent, or a decoded pixel, depends on; rounded up.

    Frames may be cut further away than that from what is wanted, and nothing changes.
    """
    blocks = config.depth + _times(config.temporal_stride)
    rows = 1 + 2 * blocks  # a convolution at the latents' end, two in a block
    if config.spatial_stride == UNSHUFFLE:
        return rows + 1  # and one at the frames' end
    return rows + 2  # and, at twice the resolution, two: half a row each, or a row and a half where growing has one


def _times(stride: int) -> int:
    return {1: 0, 2: 1, 4: 2}[stride]


class Encoder(nn.Module):
    """Frames to the mean and log-variance of the posterior."""

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.stem = nn.Conv2d(config.channels * UNSHUFFLE**2, config.width, 3, padding=1)
        layers: list[nn.Module] = [SpacePool(config.width, config.shortcuts)] if config.spatial_stride == 8 else []
        for _ in range(_times(config.temporal_stride)):
            layers += [ResidualBlock(config.width, config.memory), TimePool(config.width, config.shortcuts)]
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
            layers += [TimeGrow(config.width, config.shortcuts), ResidualBlock(config.width, config.memory)]
        if config.spatial_stride == 8:
            layers.append(SpaceGrow(config.width, config.shortcuts))
        self.layers = nn.ModuleList(layers)
        self.head = nn.Conv2d(config.width, config.channels * UNSHUFFLE**2, 3, padding=1)

    def forward(self, latents: Tensor, memory: Memory) -> Tensor:
        """(b, k, latent channels, h, w) -> (b, s*k, c, H, W)."""
        memory.rewind()
        x = fold(self.stem, latents)
        for layer in self.layers:
            x = layer(x, memory)
        return F.pixel_shuffle(fold(self.head, F.silu(x)), UNSHUFFLE)
