"""Multi-head cross-attention.

Video tokens read from text tokens. Queries (b, n, d) come from the video, keys and values (b, l, d) from the text; mask
(b, l) is True for real words, False for padding. Split d into `num_heads` heads of e = d / num_heads neighbouring
channels, and for every head (Vaswani et al. 2017, arXiv:1706.03762, eq. 1):

    weights = softmax(query key^T / sqrt(e)) over the words, padding excluded
    out     = weights value

Put the heads back beside each other: (b, n, d). With one head of e = 4, scores 2 and 0 become 1 and 0 by the scale, and
the weights 0.731 and 0.269.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ...nn.attention import attention
from ..exercise import Case, Suspect, draws

CHAPTER = 3
STARTER = '''
import torch


def cross_attention(query, key, value, mask, num_heads):
    """query: (b, n, d); key, value: (b, l, d); mask: (b, l), True = a word. Returns (b, n, d)."""
    ...
'''
OUTPUTS = ("b n d",)
Words = Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]


def _heads(x: Tensor, num_heads: int) -> Tensor:
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def answer(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    """By the package's attention."""
    q, k, v = (_heads(x, num_heads) for x in (query, key, value))
    return attention(q, k, v, mask).transpose(1, 2).flatten(2)


def cases() -> Iterator[Case]:
    """As many video as text tokens first, where a softmax over the wrong axis goes unnoticed by its shape."""
    for seed, (n, words, d, heads) in enumerate([(4, 4, 16, 2), (6, 5, 12, 3), (3, 2, 4, 1)]):
        draw = draws(seed)
        mask = torch.ones(2, words, dtype=torch.bool)
        mask[1, -1] = False
        clips = (2 * draw(2, n, d), draw(2, words, d), draw(2, words, d))
        yield Case(f"{n} video tokens, {words} words, {heads} heads", (*clips, mask, heads))


def _with(
    scale: Callable[[int, int], float] = lambda d, e: e**-0.5,
    masked: str = "before",
    over: int = -1,
    words: bool = True,
    fill: float = float("-inf"),
) -> Words:
    """Attention with one thing done another way."""

    def solution(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
        q, k, v = (_heads(x, num_heads) for x in (query, key, value))
        scores = q @ k.mT * scale(query.shape[-1], q.shape[-1])
        seen = mask[:, None, None] if words else ~mask[:, None, None]
        if masked == "before":
            scores = scores.masked_fill(~seen, fill)
        if masked == "zero":
            scores = scores * seen
        if masked == "added":
            scores = scores + seen.float()
        weights = scores.softmax(over)
        if masked == "after":
            weights = weights * seen
        return (weights @ v).transpose(1, 2).flatten(2)

    return solution


def _interleaved(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    q, k, v = (x.unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2) for x in (query, key, value))
    return attention(q, k, v, mask).permute(0, 2, 3, 1).flatten(2)


def _not_moved_back(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    q, k, v = (_heads(x, num_heads) for x in (query, key, value))
    return attention(q, k, v, mask).reshape(query.shape)


def _not_split(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    return attention(query[:, None], key[:, None], value[:, None], mask)[:, 0]


def _cut_wrongly(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    q, k, v = (x.reshape(len(x), num_heads, x.shape[1], -1) for x in (query, key, value))
    return attention(q, k, v, mask).transpose(1, 2).flatten(2)


def _exchanged(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    return answer(key, query, value, torch.ones_like(mask), num_heads)


def _no_softmax(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    q, k, v = (_heads(x, num_heads) for x in (query, key, value))
    return (q @ k.mT * q.shape[-1] ** -0.5 * mask[:, None, None] @ v).transpose(1, 2).flatten(2)


def _self_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    return answer(query, query, query, torch.ones(query.shape[:2], dtype=torch.bool), num_heads)


def _cut_and_joined_wrongly(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    q, k, v = (x.reshape(len(x), num_heads, x.shape[1], -1) for x in (query, key, value))
    return attention(q, k, v, mask).reshape(query.shape)


HEADS = "The softmax runs over the heads: it has to run over the words, the last axis of the scores."
VIDEO = "The softmax runs over the video tokens: it has to run over the words, the last axis of the scores."
ROUND = "The mask is the wrong way round: True is a real word, False is padding."
CUT = (
    "reshape to (b, heads, n, e) mixes tokens and channels: split d into (heads, e) first, then transpose n and heads, "
    "and back at the end."
)
SUSPECTS = (
    Suspect(
        _with(fill=-1.0),
        "Padding gets a score of -1, and so a share: it has to be -inf (or very far below all others).",
    ),
    Suspect(_with(over=1, fill=-1e9), HEADS),
    Suspect(_with(over=-2, fill=-1e9), VIDEO),
    Suspect(_with(words=False, fill=-1e9), ROUND),
    Suspect(lambda *given: _with(words=False)(*given).nan_to_num(0.0), ROUND),
    Suspect(_cut_and_joined_wrongly, CUT),
    Suspect(
        _with(masked="added"),
        "The mask is added as 1 and 0, so padding keeps a share: add 0 for words and -inf for padding, or use "
        "masked_fill.",
    ),
    Suspect(_exchanged, "Queries and keys are exchanged: the video asks, the words answer."),
    Suspect(_no_softmax, "The softmax is missing: scores may be negative and do not add up to one."),
    Suspect(_self_attention, "That is self-attention: keys and values come from the text."),
    Suspect(
        lambda query, key, value, mask, num_heads: answer(query, key, key, mask, num_heads),
        "The keys are taken for values, too: what is read are the values.",
    ),
    Suspect(
        _with(masked="zero"),
        "The scores of padding are set to 0, which the softmax gives a share of exp(0): set them to -inf.",
    ),
    Suspect(_with(over=1), HEADS),
    Suspect(
        _with(scale=lambda d, e: 1.0, masked="none"),
        "Two things are missing: the scale 1 / sqrt(e), and the mask, -inf for the scores of padding.",
    ),
    Suspect(
        _with(scale=lambda d, e: (d // e) ** -0.5),
        "The scale is 1 / sqrt(num_heads): the width of a head counts, e = d / num_heads, so it is 1 / sqrt(e).",
    ),
    Suspect(
        _with(over=-2, masked="none"),
        "The softmax runs over the video tokens: it has to run over the words (the last axis of the scores), so "
        "that the "
        "shares of each video token add up to one.",
    ),
    Suspect(_with(over=-2), VIDEO),
    Suspect(_with(scale=lambda d, e: 1.0), "The scale is missing: divide the scores by sqrt(e) before the softmax."),
    Suspect(
        _with(scale=lambda d, e: d**-0.5),
        "The scale is 1 / sqrt(d): each head has only e = d / num_heads channels, so it is 1 / sqrt(e).",
    ),
    Suspect(
        _with(scale=lambda d, e: 1 / e),
        "The scale is 1 / e: its square root is missing, 1 / sqrt(e), or it was applied twice, as where "
        "F.scaled_dot_product_attention, which scales by itself, is given scaled queries.",
    ),
    Suspect(_with(scale=lambda d, e: e**0.5), "The scores are multiplied by sqrt(e): divide by it."),
    Suspect(
        _with(masked="none"),
        "The mask is not used: padding gets a share of the attention, and the same caption means something else in a "
        "longer batch.",
    ),
    Suspect(
        _with(masked="after"),
        "The mask comes after the softmax, or only the values of padding are set to zero: the shares of the real words "
        "no longer add up to one. Set the scores of padding to -inf before it.",
    ),
    Suspect(_with(words=False), ROUND),
    Suspect(_not_split, "There is one head over all of d: split d into num_heads heads first."),
    Suspect(
        _interleaved,
        "The heads are interleaved: head 0 has the first e neighbouring channels, so d splits into (num_heads, e).",
    ),
    Suspect(
        _cut_wrongly,
        "reshape to (b, heads, n, e) mixes tokens and channels: split d into (heads, e) first, then transpose n "
        "and heads.",
    ),
    Suspect(
        _not_moved_back,
        "The heads were not moved back behind the tokens before they were joined: (b, heads, n, e) has to become "
        "(b, n, heads, e), then (b, n, d).",
    ),
)
