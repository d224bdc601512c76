"""U-Net over latents or frames (Ronneberger et al. 2015, arXiv:1505.04597; video: Ho et al. 2022, arXiv:2204.03458).

Places keep their channels last, (b, f, s, d) with s = rows x columns, so that normalisation, modulation and attention
are those of the transformer; convolutions see the same memory as channels-last volumes, without a copy.
"""

from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.embed import sinusoid
from ..nn.patch import Patch, patchify, unpatchify
from ..nn.rope import rotary_table
from ..types import Context
from .blocks import CrossAttention, SelfAttention, modulate, normalise
from .condition import cast_context, condition_of, frame_times, time_mlp
from .config import UNetConfig

FRAME_DIM = 32  # sinusoidal features of a frame's number
KERNELS = {  # (frames, rows, columns) of the convolutions that follow each other where one is asked for
    "conv3d": ((3, 3, 3),),
    "attention": ((1, 3, 3),),
    "conv2d_1d": ((1, 3, 3), (3, 1, 1)),  # R(2+1)D: Tran et al. 2018, arXiv:1711.11248, sec. 3.5
}


def gather(x: Float[Tensor, "b f s d"], grid: Patch) -> Float[Tensor, "b f r k"]:
    """Two by two places of a (frames, rows, columns) grid become one of four times the channels."""
    return rearrange(x, "b f (h p w q) d -> b f (h w) (p q d)", h=grid[1] // 2, p=2, q=2)


def scatter(x: Float[Tensor, "b f r k"], grid: Patch) -> Float[Tensor, "b f s d"]:
    """Inverse of `gather`; grid is the finer one."""
    return rearrange(x, "b f (h w) (p q d) -> b f (h p w q) d", h=grid[1] // 2, p=2, q=2)


class Convolution(nn.Module):
    """Convolutions of KERNELS with a SiLU between them; zeros lie beyond the first and last frame."""

    def __init__(self, mixing: str, width: int):
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Conv3d(width, width, kernel, padding=tuple(size // 2 for size in kernel)) for kernel in KERNELS[mixing]
        )

    def forward(self, x: Float[Tensor, "b f s d"], grid: Patch) -> Float[Tensor, "b f s d"]:
        """grid: (frames, rows, columns), f and s of x."""
        volume = x.unflatten(2, grid[1:]).permute(0, 4, 1, 2, 3)  # (b, d, f, h, w), channels last in memory
        for index, part in enumerate(self.parts):
            volume = part(F.silu(volume) if index else volume)
        return volume.permute(0, 2, 3, 4, 1).flatten(2, 3)


class Block(nn.Module):
    """Two modulated convolutions, attention in frames and over time where asked for, cross-attention to text.

    Each adds to x and starts at zero. Scale and shift after normalisation: Dhariwal & Nichol 2021, arXiv:2105.05233.
    """

    def __init__(self, config: UNetConfig, width: int, condition_dim: int, context_dim: int):
        super().__init__()
        self.conv_in, self.conv_out = (Convolution(config.mixing, width) for _ in range(2))
        self.modulation = nn.Linear(condition_dim, 4 * width)
        attends = config.mixing == "attention"
        self.frame_attention = SelfAttention(width, config.num_heads, "frame") if attends else None
        self.place_attention = SelfAttention(width, config.num_heads, "place") if attends else None
        reads = config.text and config.cross_attention
        self.cross_attention = CrossAttention(width, context_dim, config.num_heads) if reads else None
        attentions = [self.frame_attention, self.place_attention, self.cross_attention]
        last = [part.out for part in attentions if part is not None]
        for layer in (self.modulation, self.conv_out.parts[-1], *last):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(
        self,
        x: Float[Tensor, "b f s d"],
        condition: Float[Tensor, "b g k"],
        context: Context | None,
        grid: Patch,
        table: Float[Tensor, "2 n e"] | None,
    ) -> Float[Tensor, "b f s d"]:
        """condition: per frame (g = f) or shared (g = 1); table: rotary positions of the grid, where blocks attend."""
        shift_in, scale_in, shift_out, scale_out = self.modulation(condition)[:, :, None].chunk(4, dim=-1)
        y = self.conv_in(F.silu(modulate(x, shift_in, scale_in)), grid)
        x = x + self.conv_out(F.silu(modulate(y, shift_out, scale_out)), grid)
        for attend in (self.frame_attention, self.place_attention):
            if attend is not None:
                x = x + attend(normalise(x), table)
        if self.cross_attention is not None and context is not None:
            x = x + self.cross_attention(normalise(x), context)
        return x


class Level(nn.Module):
    """Blocks at one resolution."""

    def __init__(self, config: UNetConfig, width: int, context_dim: int):
        super().__init__()
        self.head_dim = width // config.num_heads
        self.blocks = nn.ModuleList(Block(config, width, config.widths[-1], context_dim) for _ in range(config.depth))
        self.attends = config.mixing == "attention"

    def forward(
        self, x: Float[Tensor, "b f s d"], condition: Float[Tensor, "b g k"], context: Context | None, grid: Patch
    ) -> Float[Tensor, "b f s d"]:
        """Same shape as x."""
        table = rotary_table(grid, self.head_dim).to(x.device) if self.attends else None
        for block in self.blocks:
            x = block(x, condition, context, grid, table)
        return x


class UNet(nn.Module):
    """Predicts velocity (or x0) from noisy latents, diffusion time and text. Any number of latent frames.

    Down through the levels and up again; each level above the lowest hands what it had on the way down to the way up.
    """

    def __init__(self, config: UNetConfig, latent_channels: int, context_dim: int):
        super().__init__()
        self.config = config
        pf, ph, pw = config.patch
        widths, token_dim = config.widths, pf * ph * pw * latent_channels
        self.patch_in = nn.Linear(token_dim, widths[0])
        # Convolutions tell earlier from later; attention must be told which frame is which, or each goes its own way.
        self.frame_in = nn.Linear(FRAME_DIM, widths[0], bias=False) if config.mixing == "attention" else None
        self.time_mlp = time_mlp(widths[-1])
        self.pooled_text = nn.Linear(context_dim, widths[-1]) if config.text else None
        self.down, self.up = (nn.ModuleList(Level(config, width, context_dim) for width in widths) for _ in range(2))
        self.shrink = nn.ModuleList(nn.Linear(4 * fine, coarse) for fine, coarse in pairwise(widths))
        self.grow = nn.ModuleList(nn.Linear(coarse, 4 * fine) for fine, coarse in pairwise(widths))
        self.merge = nn.ModuleList(nn.Linear(2 * fine, fine) for fine in widths[:-1])
        self.final_modulation = nn.Linear(widths[-1], 2 * widths[0])
        self.patch_out = nn.Linear(widths[0], token_dim)
        for layer in (self.final_modulation, self.patch_out):  # a silent network at first: loss starts at Var[target]
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def grids(self, shape: torch.Size) -> list[Patch]:
        """Places along (frames, rows, columns) at each level for latents of this shape."""
        f, h, w = shape[-3:]
        self.config.check_latents((f, h, w))
        pf, ph, pw = self.config.patch
        return [(f // pf, h // ph // 2**level, w // pw // 2**level) for level in range(len(self.config.widths))]

    def forward(
        self, xt: Float[Tensor, "b c f h w"], t: Float[Tensor, "..."], context: Context | None
    ) -> Float[Tensor, "b c f h w"]:
        """t: (b,) or per latent frame (b, f), in [0, 1]. context: None where the config has no text."""
        dtype = self.patch_in.weight.dtype
        context = cast_context(context, self.config.text, dtype)
        grids = self.grids(xt.shape)
        condition = condition_of(frame_times(t, grids[0][0]), self.time_mlp, context, self.pooled_text)  # (b, g, k)

        x = self.patch_in(patchify(xt.to(dtype), self.config.patch)).unflatten(1, (grids[0][0], -1))  # (b, f, s, d)
        if self.frame_in is not None:
            frame = torch.arange(grids[0][0], device=x.device) / 1000
            x = x + self.frame_in(sinusoid(frame, FRAME_DIM, max_period=100.0).to(dtype))[:, None]
        skips = []
        for level, shrink, grid in zip(self.down, self.shrink, grids, strict=False):
            x = level(x, condition, context, grid)
            skips.append(x)
            x = shrink(gather(x, grid))
        for lowest in (self.down[-1], self.up[-1]):
            x = lowest(x, condition, context, grids[-1])
        for index in reversed(range(len(skips))):
            x = scatter(self.grow[index](x), grids[index])
            x = self.merge[index](torch.cat([x, skips[index]], dim=-1))
            x = self.up[index](x, condition, context, grids[index])
        shift, scale = self.final_modulation(condition)[:, :, None].chunk(2, dim=-1)
        return unpatchify(self.patch_out(modulate(x, shift, scale)).flatten(1, 2), grids[0], self.config.patch)
