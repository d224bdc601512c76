"""Diffusion Transformer over spacetime patches (Peebles & Xie 2022, arXiv:2212.09748; video: Ma et al. 2024, Latte)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.attention import attention
from ..nn.embed import sinusoid
from ..nn.patch import patchify, unpatchify
from ..nn.rope import rotary_table, rotate
from ..types import Context
from .config import DiTConfig

PLACE_DIM = 32  # sinusoidal features per axis
TIME_DIM = 256  # sinusoidal features of diffusion time


def normalise(x: Float[Tensor, "*s d"]) -> Float[Tensor, "*s d"]:
    """LayerNorm without parameters: the modulation after it has its own scale and shift."""
    return F.layer_norm(x, x.shape[-1:])


def modulate(
    x: Float[Tensor, "b f s d"], shift: Float[Tensor, "b g 1 d"], scale: Float[Tensor, "b g 1 d"]
) -> Float[Tensor, "b f s d"]:
    """Normalised tokens, scaled and shifted by the condition of their frame (g = f, or 1 for all frames)."""
    return torch.addcmul(shift, normalise(x), 1 + scale)


def place_table(grid: tuple[int, int]) -> Float[Tensor, "s e"]:
    """Sinusoidal features of each token's row and column. Time has none, so clips of any length look alike."""
    rows, columns = torch.meshgrid(*(torch.arange(size) for size in grid), indexing="ij")
    place = torch.stack([rows, columns], dim=-1).flatten(0, 1)
    return sinusoid(place / 1000, PLACE_DIM, max_period=100.0).flatten(1)


class SelfAttention(nn.Module):
    """Attention among all tokens of a video, with rotary positions and normalised queries and keys."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.query, self.key, self.value = (nn.Linear(dim, dim, bias=False) for _ in range(3))
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Float[Tensor, "b n d"], table: Float[Tensor, "2 n e"]) -> Float[Tensor, "b n d"]:
        """table: of `rotary_table`, one row per token."""
        # The weights are separate for the optimizer's sake and one matrix for the processor's.
        weight = torch.cat([self.query.weight, self.key.weight, self.value.weight])
        mixed = F.linear(x, weight).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)  # (3, b, heads, n, e)
        query, key = rotate(normalise(mixed[:2]), table)
        return self.out(attention(query, key, mixed[2]).transpose(1, 2).flatten(2))


class CrossAttention(nn.Module):
    """Attention from video tokens to text tokens; padding is masked."""

    def __init__(self, dim: int, context_dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(dim, dim, bias=False)
        self.key, self.value = (nn.Linear(context_dim, dim, bias=False) for _ in range(2))
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Float[Tensor, "b n d"], context: Context) -> Float[Tensor, "b n d"]:
        """Every token of x reads from the real tokens of the context."""

        def heads(y: Tensor) -> Tensor:
            return y.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

        query, key = normalise(heads(self.query(x))), normalise(heads(self.key(context.tokens)))
        return self.out(
            attention(query, key, heads(self.value(context.tokens)), context.mask).transpose(1, 2).flatten(2)
        )


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.up, self.down = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "*s d"]) -> Float[Tensor, "*s d"]:
        """Each token by itself."""
        return self.down(F.gelu(self.up(x)))  # exact: the tanh approximation is the slower one on CPUs


class Block(nn.Module):
    """Self-attention, cross-attention to text and feed-forward, each gated; adaLN-zero (arXiv:2212.09748, fig. 3)."""

    def __init__(self, config: DiTConfig, context_dim: int):
        super().__init__()
        dim = config.model_dim
        self.self_attention = SelfAttention(dim, config.num_heads)
        self.cross_attention = CrossAttention(dim, context_dim, config.num_heads) if config.text else None
        self.feed_forward = FeedForward(dim, int(dim * config.mlp_ratio))
        self.modulation = nn.Linear(dim, 6 * dim)
        nn.init.zeros_(self.modulation.weight)  # every block starts as the identity
        nn.init.zeros_(self.modulation.bias)
        if self.cross_attention is not None:
            nn.init.zeros_(self.cross_attention.out.weight)

    def forward(
        self,
        x: Float[Tensor, "b f s d"],
        condition: Float[Tensor, "b g d"],
        context: Context | None,
        table: Float[Tensor, "2 n e"],
    ) -> Float[Tensor, "b f s d"]:
        """condition: SiLU of timestep (and pooled text), per frame (g = f) or shared (g = 1)."""
        f = x.shape[1]

        def frames(y: Tensor) -> Tensor:
            return y.unflatten(1, (f, -1))

        shift, scale, gate, shift_ff, scale_ff, gate_ff = self.modulation(condition)[:, :, None].chunk(6, dim=-1)
        x = torch.addcmul(x, gate, frames(self.self_attention(modulate(x, shift, scale).flatten(1, 2), table)))
        if self.cross_attention is not None and context is not None:
            x = x + frames(self.cross_attention(normalise(x.flatten(1, 2)), context))
        return torch.addcmul(x, gate_ff, self.feed_forward(modulate(x, shift_ff, scale_ff)))


class DiT(nn.Module):
    """Predicts velocity (or x0) from noisy latents, diffusion time and text. Any number of latent frames."""

    def __init__(self, config: DiTConfig, latent_channels: int, context_dim: int):
        super().__init__()
        self.config = config
        pf, ph, pw = config.patch
        dim, token_dim = config.model_dim, pf * ph * pw * latent_channels
        self.patch_in = nn.Linear(token_dim, dim)
        # Rotary positions are relative; where the frame ends is learned sooner when tokens also know their place in it.
        self.place_in = nn.Linear(2 * PLACE_DIM, dim, bias=False)
        self.time_mlp = nn.Sequential(nn.Linear(TIME_DIM, dim), nn.SiLU(), nn.Linear(dim, dim))
        # Cross-attention alone learns slowly which words matter; the pooled text in the modulation is a short cut.
        self.pooled_text = nn.Linear(context_dim, dim) if config.text else None
        self.blocks = nn.ModuleList(Block(config, context_dim) for _ in range(config.depth))
        self.final_modulation = nn.Linear(dim, 2 * dim)
        self.patch_out = nn.Linear(dim, token_dim)
        for layer in (self.final_modulation, self.patch_out):  # a silent network at first: loss starts at Var[target]
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def grid(self, shape: torch.Size) -> tuple[int, int, int]:
        """Tokens along (frames, rows, columns) for latents of this shape."""
        pf, ph, pw = self.config.patch
        f, h, w = shape[-3:]
        if f % pf or h % ph or w % pw:
            raise ValueError(
                f"latents of {f} x {h} x {w} frames, rows, columns do not divide into patches of {self.config.patch}. "
                f"Use a --denoiser.patch that divides them, e.g. 1 {1 if h % 2 else 2} {1 if w % 2 else 2}."
            )
        return f // pf, h // ph, w // pw

    def forward(
        self, xt: Float[Tensor, "b c f h w"], t: Float[Tensor, "..."], context: Context | None
    ) -> Float[Tensor, "b c f h w"]:
        """t: (b,) or per latent frame (b, f), in [0, 1]. context: None where the config has no text."""
        if (context is None) == self.config.text:
            raise ValueError(
                f"denoiser.text={self.config.text} does not fit context={'None' if context is None else 'given'}."
            )
        grid = self.grid(xt.shape)
        dtype = self.patch_in.weight.dtype
        if t.ndim == 1:
            t = t[:, None]
        else:
            t = t.unflatten(1, (grid[0], -1)).mean(-1)  # a patch of several frames takes their mean
        condition = self.time_mlp(sinusoid(t, TIME_DIM).to(dtype))  # (b, g, d)
        if context is not None and self.pooled_text is not None:
            context = Context(context.tokens.to(dtype), context.mask)
            real = context.mask[..., None].to(dtype)
            condition = condition + self.pooled_text((context.tokens * real).sum(1) / real.sum(1))[:, None]
        condition = F.silu(condition)

        table = rotary_table(grid, self.config.model_dim // self.config.num_heads).to(xt.device)
        x = self.patch_in(patchify(xt.to(dtype), self.config.patch)).unflatten(1, (grid[0], -1))  # (b, f, s, d)
        x = x + self.place_in(place_table(grid[1:]).to(x))
        for block in self.blocks:
            x = block(x, condition, context, table)
        shift, scale = self.final_modulation(condition)[:, :, None].chunk(2, dim=-1)
        return unpatchify(self.patch_out(modulate(x, shift, scale)).flatten(1, 2), grid, self.config.patch)
