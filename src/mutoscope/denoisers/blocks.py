"""What the networks share: modulated normalisation, attention over video tokens and to text, feed-forward."""

from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.attention import attention
from ..nn.rope import rotate
from ..types import Context

Among = Literal["video", "frame", "place"]
SEQUENCES: dict[Among, str] = {  # which tokens of (b, f, s, d) meet in one sequence
    "video": "b (f s) d",
    "frame": "(b f) s d",
    "place": "(b s) f d",
}


def normalise(x: Float[Tensor, "*s d"]) -> Float[Tensor, "*s d"]:
    """LayerNorm without parameters: the modulation after it has its own scale and shift."""
    return F.layer_norm(x, x.shape[-1:])


def modulate(
    x: Float[Tensor, "b f s d"], shift: Float[Tensor, "b g 1 d"], scale: Float[Tensor, "b g 1 d"]
) -> Float[Tensor, "b f s d"]:
    """Normalised tokens, scaled and shifted by the condition of their frame (g = f, or 1 for all frames)."""
    return torch.addcmul(shift, normalise(x), 1 + scale)


def causal_mask(f: int, s: int) -> Bool[Tensor, "1 n n"]:
    """For f frames of s tokens each: a token may look at its own frame and at earlier ones."""
    frame = torch.arange(f).repeat_interleave(s)
    return (frame[:, None] >= frame)[None]


class SelfAttention(nn.Module):
    """Attention among tokens, with normalised queries and keys; rotary positions where a table is given.

    among: all tokens of a video, those of one frame, or those at one place over time.
    """

    def __init__(self, dim: int, num_heads: int, among: Among = "video"):
        super().__init__()
        self.num_heads = num_heads
        self.among: Among = among
        self.query, self.key, self.value = (nn.Linear(dim, dim, bias=False) for _ in range(3))
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b f s d"],
        table: Float[Tensor, "2 n e"] | None,
        mask: Bool[Tensor, "1 n n"] | None = None,
    ) -> Float[Tensor, "b f s d"]:
        """table: of `rotary_table`, one row per token of a video (n = f s); mask: who may look at whom."""
        b, f, s, _ = x.shape
        # Angles are relative: the first frame's rows serve every frame, the first place's every place.
        rows = {"video": slice(None), "frame": slice(s), "place": slice(None, None, s)}[self.among]
        tokens = rearrange(x, f"b f s d -> {SEQUENCES[self.among]}")
        # The weights are separate for the optimizer's sake and one matrix for the processor's.
        weight = torch.cat([self.query.weight, self.key.weight, self.value.weight])
        mixed = F.linear(tokens, weight).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        query, key = normalise(mixed[:2]) if table is None else rotate(normalise(mixed[:2]), table[:, rows])
        tokens = self.out(attention(query, key, mixed[2], mask).transpose(1, 2).flatten(2))
        return rearrange(tokens, f"{SEQUENCES[self.among]} -> b f s d", b=b, f=f, s=s)


class CrossAttention(nn.Module):
    """Attention from video tokens to text tokens; padding is masked."""

    def __init__(self, dim: int, context_dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(dim, dim, bias=False)
        self.key, self.value = (nn.Linear(context_dim, dim, bias=False) for _ in range(2))
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Float[Tensor, "b f s d"], context: Context) -> Float[Tensor, "b f s d"]:
        """Every token of x reads from the real tokens of the context."""
        query, key = self.look(x, context)
        value = self._heads(self.value(context.tokens))
        mixed = attention(query, key, value, context.mask).transpose(1, 2).flatten(2)
        return self.out(mixed).unflatten(1, x.shape[1:3])

    def look(
        self, x: Float[Tensor, "b f s d"], context: Context
    ) -> tuple[Float[Tensor, "b heads n e"], Float[Tensor, "b heads l e"]]:
        """Queries of video tokens and keys of text tokens, whose products say who reads from whom."""
        query, key = self._heads(self.query(x.flatten(1, 2))), self._heads(self.key(context.tokens))
        return normalise(query), normalise(key)

    def _heads(self, y: Float[Tensor, "b n d"]) -> Float[Tensor, "b heads n e"]:
        return y.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.up, self.down = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "*s d"]) -> Float[Tensor, "*s d"]:
        """Each token by itself."""
        return self.down(F.gelu(self.up(x)))  # exact: the tanh approximation is the slower one on CPUs
