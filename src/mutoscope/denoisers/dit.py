"""Diffusion Transformer over spacetime patches (Peebles & Xie 2022, arXiv:2212.09748; video: Ma et al. 2024, Latte)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..nn.embed import sinusoid
from ..nn.patch import Patch, patchify, unpatchify
from ..nn.rope import rotary_table
from ..types import Context
from .blocks import Among, CrossAttention, FeedForward, SelfAttention, causal_mask, modulate, normalise
from .condition import cast_context, condition_of, frame_times, time_mlp
from .config import LONGEST_AXIS, DiTConfig

PLACE_DIM = 32  # sinusoidal features per axis


def place_table(grid: tuple[int, int]) -> Float[Tensor, "s e"]:
    """Sinusoidal features of each token's row and column. Time has none, so clips of any length look alike."""
    rows, columns = torch.meshgrid(*(torch.arange(size) for size in grid), indexing="ij")
    place = torch.stack([rows, columns], dim=-1).flatten(0, 1)
    return sinusoid(place / 1000, PLACE_DIM, max_period=100.0).flatten(1)


class LearnedPositions(nn.Module):
    """One learned table per axis; a token's position is the sum of its frame's, row's and column's entry."""

    def __init__(self, dim: int):
        super().__init__()
        self.frames, self.rows, self.columns = (nn.Parameter(0.02 * torch.randn(LONGEST_AXIS, dim)) for _ in range(3))

    def forward(self, grid: Patch) -> Float[Tensor, "f s d"]:
        """For f frames of s = rows x columns tokens."""
        f, h, w = grid
        return self.frames[:f, None] + (self.rows[:h, None] + self.columns[:w]).flatten(0, 1)


class Offset(nn.Module):
    """Adds a learned vector: what a block has of its own where all share one modulation (arXiv:2310.00426, 2.3)."""

    def __init__(self, parts: int, dim: int):
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(parts, dim))

    def forward(self, x: Float[Tensor, "b g k"]) -> Float[Tensor, "b g k"]:
        """Parts x dim is k."""
        return x + self.offset.flatten()


class Block(nn.Module):
    """Self-attention, cross-attention to text and feed-forward, each gated; adaLN-zero (arXiv:2212.09748, fig. 3)."""

    def __init__(self, config: DiTConfig, context_dim: int, among: Among):
        super().__init__()
        dim = config.model_dim
        self.self_attention = SelfAttention(dim, config.num_heads, among)
        reads = config.text and config.cross_attention
        self.cross_attention = CrossAttention(dim, context_dim, config.num_heads) if reads else None
        self.feed_forward = FeedForward(dim, int(dim * config.mlp_ratio))
        self.modulation = nn.Linear(dim, 6 * dim) if config.modulation == "per_block" else Offset(6, dim)
        for parameter in self.modulation.parameters():  # every block starts as the identity
            nn.init.zeros_(parameter)
        if self.cross_attention is not None:
            nn.init.zeros_(self.cross_attention.out.weight)

    def forward(
        self,
        x: Float[Tensor, "b f s d"],
        condition: Float[Tensor, "b g k"],
        context: Context | None,
        table: Float[Tensor, "2 n e"] | None,
        mask: Bool[Tensor, "1 n n"] | None,
    ) -> Float[Tensor, "b f s d"]:
        """condition: SiLU of timestep (and pooled text), per frame (g = f) or shared (g = 1); projected if shared."""
        shift, scale, gate, shift_ff, scale_ff, gate_ff = self.modulation(condition)[:, :, None].chunk(6, dim=-1)
        x = torch.addcmul(x, gate, self.self_attention(modulate(x, shift, scale), table, mask))
        if self.cross_attention is not None and context is not None:
            x = x + self.cross_attention(normalise(x), context)
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
        rotary = config.positions == "rotary"
        self.place_in = nn.Linear(2 * PLACE_DIM, dim, bias=False) if rotary else LearnedPositions(dim)
        self.time_mlp = time_mlp(dim)
        self.pooled_text = nn.Linear(context_dim, dim) if config.text else None
        # Factorised: within frames and over time in turn, variant 1 of Latte (arXiv:2401.03048, fig. 2a).
        order: tuple[Among, ...] = ("frame", "place") if config.attention == "factorised" else ("video",)
        self.blocks = nn.ModuleList(
            Block(config, context_dim, order[index % len(order)]) for index in range(config.depth)
        )
        self.shared_modulation = nn.Linear(dim, 6 * dim) if config.modulation == "shared" else None
        self.final_modulation = nn.Linear(dim, 2 * dim)
        self.patch_out = nn.Linear(dim, token_dim)
        silent = [self.final_modulation, self.patch_out]  # a silent network at first: loss starts at Var[target]
        for layer in [*silent, self.shared_modulation]:
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def grid(self, shape: torch.Size) -> Patch:
        """Tokens along (frames, rows, columns) for latents of this shape."""
        f, h, w = shape[-3:]
        self.config.check_latents((f, h, w))
        pf, ph, pw = self.config.patch
        return f // pf, h // ph, w // pw

    def forward(
        self, xt: Float[Tensor, "b c f h w"], t: Float[Tensor, "..."], context: Context | None
    ) -> Float[Tensor, "b c f h w"]:
        """t: (b,) or per latent frame (b, f), in [0, 1]. context: None where the config has no text."""
        dtype = self.patch_in.weight.dtype
        context = cast_context(context, self.config.text, dtype)
        grid = self.grid(xt.shape)
        condition = condition_of(frame_times(t, grid[0]), self.time_mlp, context, self.pooled_text)  # (b, g, d)
        for_blocks = condition if self.shared_modulation is None else self.shared_modulation(condition)

        x = self.patch_in(patchify(xt.to(dtype), self.config.patch)).unflatten(1, (grid[0], -1))  # (b, f, s, d)
        if isinstance(self.place_in, LearnedPositions):
            table = None
            x = x + self.place_in(grid)
        else:
            table = rotary_table(grid, self.config.model_dim // self.config.num_heads).to(xt.device)
            x = x + self.place_in(place_table(grid[1:]).to(x))
        causal = self.config.attention == "block_causal"
        mask = causal_mask(grid[0], x.shape[2]).to(xt.device) if causal else None
        for block in self.blocks:
            x = block(x, for_blocks, context, table, mask)
        shift, scale = self.final_modulation(condition)[:, :, None].chunk(2, dim=-1)
        return unpatchify(self.patch_out(modulate(x, shift, scale)).flatten(1, 2), grid, self.config.patch)
