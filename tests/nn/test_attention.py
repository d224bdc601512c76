"""Attention against a loop that spells the formula out."""

import math

import pytest
import torch
from torch.nn import functional as F

from mutoscope.nn.attention import attention


def seen(mask, b, i, j):
    return mask[b, j] if mask.ndim == 2 else mask[0, i, j]


def naive(query, key, value, mask=None):
    out = torch.zeros(*query.shape[:-1], value.shape[-1], dtype=torch.float64)
    for b in range(query.shape[0]):
        for head in range(query.shape[1]):
            for i in range(query.shape[2]):
                keep = [j for j in range(key.shape[2]) if mask is None or seen(mask, b, i, j)]
                scores = [float(query[b, head, i] @ key[b, head, j]) / math.sqrt(query.shape[-1]) for j in keep]
                weights = [math.exp(s - max(scores)) for s in scores]
                for j, weight in zip(keep, weights, strict=True):
                    out[b, head, i] += weight / sum(weights) * value[b, head, j]
    return out


def draws(dtype=torch.float64, n=5, m=7):
    g = torch.Generator().manual_seed(3)
    return ((2 * torch.randn(2, 3, k, 8, generator=g, dtype=torch.float64)).to(dtype) for k in (n, m, m))


MASK = torch.tensor([[True] * 4 + [False] * 3, [True, False, True, True, False, True, True]])


SHARED = (torch.arange(7) <= torch.arange(5)[:, None] + 1)[None]  # later queries look further, in every clip


@pytest.mark.parametrize("mask", [None, MASK, SHARED])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.06)]
)
def test_attention_is_the_formula(dtype, tolerance, mask):
    query, key, value = draws(dtype)
    result = attention(query, key, value, mask)
    assert result.dtype == dtype
    expected = naive(query.double(), key.double(), value.double(), mask)
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("mask", [None, MASK, SHARED])
def test_attention_equals_the_fused_kernel(mask):
    query, key, value = draws()
    keep = mask[:, None, None] if mask is MASK else mask
    fused = F.scaled_dot_product_attention(query, key, value, attn_mask=keep)
    torch.testing.assert_close(attention(query, key, value, mask), fused)


def test_padding_does_not_matter():
    query, key, value = draws(torch.float32)
    padding = ~MASK[:, None, :, None]
    changed = attention(query, key.masked_fill(padding, 50.0), value.masked_fill(padding, -1e4), MASK)
    assert torch.equal(changed, attention(query, key, value, MASK))
    unmasked = attention(query, key.masked_fill(padding, 50.0), value.masked_fill(padding, -1e4))
    assert not torch.allclose(changed, unmasked)
