"""What is trained of text: the small encoder, or the projection of a frozen one's token states."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.attention import attention
from ..types import Context
from .config import PretrainedTextConfig, TextConfig


class TextBlock(nn.Module):
    """Pre-norm transformer block over words."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """X (b, l, d); mask (b, l), True = real."""

        def heads(y: Tensor) -> Tensor:
            return y.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

        y = self.norm_attention(x)
        mixed = attention(heads(self.query(y)), heads(self.key(y)), heads(self.value(y)), mask)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm_feed_forward(x))))


class TextEncoder(nn.Module):
    """Token ids to context: embeddings, learned positions, a few transformer blocks, unit-scale output."""

    def __init__(self, config: TextConfig, vocabulary_size: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, config.model_dim)
        self.position = nn.Parameter(0.02 * torch.randn(config.max_tokens, config.model_dim))
        self.blocks = nn.ModuleList(TextBlock(config.model_dim, config.num_heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.model_dim)

    def forward(self, ids: Int[Tensor, "b l"], mask: Bool[Tensor, "b l"]) -> Context:
        """Ids and mask as `CaptionTokenizer.encode` gives them."""
        x = self.embedding(ids) + self.position[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, mask)
        return Context(self.norm(x), mask)


class TextProjection(nn.Module):
    """Token states of a frozen encoder to context: a linear map, perhaps transformer blocks, unit-scale output.

    Few weights on purpose: blocks learn the phrasings of training by heart and follow paraphrases less.
    """

    def __init__(self, config: PretrainedTextConfig, width: int):
        super().__init__()
        self.projection = nn.Linear(width, config.model_dim)
        self.blocks = nn.ModuleList(TextBlock(config.model_dim, config.num_heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.model_dim)

    def forward(self, states: Float[Tensor, "b l width"], mask: Bool[Tensor, "b l"]) -> Context:
        """States and mask as `PretrainedEncoder.encode` gives them."""
        x = self.projection(states.to(self.projection.weight.dtype))
        for block in self.blocks:
            x = block(x, mask)
        return Context(self.norm(x), mask)
