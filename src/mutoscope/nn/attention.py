"""One attention function that takes the fastest way for the device and dtype."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def attention(
    query: Float[Tensor, "b heads n d"],
    key: Float[Tensor, "b heads m d"],
    value: Float[Tensor, "b heads m d"],
    mask: Bool[Tensor, "b m"] | Bool[Tensor, "1 n m"] | None = None,
) -> Float[Tensor, "b heads n d"]:
    """Softmax attention with scale d ** -0.5 (Vaswani et al. 2017, arXiv:1706.03762, eq. 1).

    mask: per clip (b, m), True = a real key, False = padding; or one for all clips (1, n, m), True = query n may look
    at key m. Every query needs at least one True.
    """
    keep = None if mask is None else mask[:, None] if mask.ndim == 3 else mask[:, None, None, :]
    if query.device.type == "cpu":
        # Two plain matmuls beat the fused kernel on CPUs for the short sequences of small videos, most of all in bf16.
        rows, columns = query.flatten(0, 1), key.flatten(0, 1).mT
        scale = query.shape[-1] ** -0.5  # inside the product: a pass over the queries less, forward and backward
        unused = query.new_empty(1, 1, 1)
        scores = torch.baddbmm(unused, rows, columns, beta=0, alpha=scale).unflatten(0, query.shape[:2])
        if keep is not None:
            scores = scores.masked_fill(~keep, float("-inf"))
        return scores.softmax(-1) @ value
    return F.scaled_dot_product_attention(query, key, value, attn_mask=keep)
