"""Classifier-free guidance.

The network is asked twice, with the caption and with the empty one, and the difference is exaggerated (Ho & Salimans
2022, arXiv:2207.12598):

    guided = x0_negative + guidance_scale (x0_cond - x0_negative)

Scale 1 is the conditional answer, 0 the other one. With answers 0.5 and 0.2 and scale 4: 0.2 + 4 * 0.3 = 1.4.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from ...diffusion.guidance import classifier_free_guidance
from ..exercise import Case, Suspect, draws

CHAPTER = 3
STARTER = '''
import torch


def guide(x0_cond, x0_negative, guidance_scale):
    """x0_cond, x0_negative: (b, c, f, h, w); guidance_scale: a number. Returns (b, c, f, h, w)."""
    ...
'''
OUTPUTS = ("b c f h w",)


def answer(x0_cond: Tensor, x0_negative: Tensor, guidance_scale: float) -> Tensor:
    """The package's guidance of two networks that answer these."""
    guided = classifier_free_guidance(lambda xt, t: x0_cond, lambda xt, t: x0_negative, guidance_scale)
    return guided(x0_cond, torch.full((len(x0_cond),), 0.5))


def cases() -> Iterator[Case]:
    """Strong, off, weak."""
    for seed, scale in enumerate([4.0, 1.0, 1.5, 0.0]):
        draw = draws(seed)
        yield Case(f"guidance scale {scale}", (draw(2, 3, 2, 4, 4), draw(2, 3, 2, 4, 4), scale))


def terms(x0_cond: Tensor, x0_negative: Tensor, guidance_scale: float) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What guidance mixes."""
    return {"x0_cond": x0_cond, "x0_negative": x0_negative}, {"guidance_scale": torch.tensor(guidance_scale)}


SUSPECTS = (
    Suspect(lambda c, n, s: n + int(s) * (c - n), "The scale is cut to a whole number."),
    Suspect(lambda c, n, s: n + 4 * (c - n), "The scale is always 4: use guidance_scale."),
    Suspect(
        lambda c, n, s: (n + s * c) / (1 + s),
        "That is a weighted mean of both answers, which stays between them: guidance goes beyond, from x0_negative "
        "through x0_cond.",
    ),
    Suspect(
        lambda c, n, s: c if s <= 1 else n + s * (c - n),
        "A scale below 1 is treated as 1: 0 has to give x0_negative.",
    ),
    Suspect(lambda c, n, s: c, "Only the conditional answer: x0_negative and guidance_scale are not used."),
    Suspect(
        lambda c, n, s: n + (s - 1) * (c - n),
        "The scale is one too small: (guidance_scale - 1) belongs in front only where you start from x0_cond.",
    ),
    Suspect(
        lambda c, n, s: s * c - n,
        "Only x0_cond is scaled: the two amounts have to add up to one, guidance_scale and 1 - guidance_scale.",
    ),
    Suspect(
        lambda c, n, s: c + s * (c - n),
        "You start from the conditional answer: then scale 0 is plain sampling, and every scale is one too "
        "strong. Start "
        "from x0_negative.",
    ),
    Suspect(
        lambda c, n, s: c + s * (n - c),
        "The two answers are exchanged: guidance points away from the caption. The difference is x0_cond - "
        "x0_negative, "
        "added to x0_negative.",
    ),
    Suspect(
        lambda c, n, s: n + s * (n - c),
        "Guidance points the wrong way: the difference is x0_cond - x0_negative.",
    ),
    Suspect(lambda c, n, s: s * (c - n), "Only the difference: it has to be added to x0_negative."),
    Suspect(
        lambda c, n, s: s * c + n,
        "Only one answer is scaled: scale x0_cond - x0_negative, so that at scale 1 x0_negative drops out.",
    ),
    Suspect(lambda c, n, s: s * c, "The conditional answer is only enlarged: x0_negative is not used."),
    Suspect(
        lambda c, n, s: c + (c - n),
        "guidance_scale is not used.",
    ),
)  # fmt: skip
