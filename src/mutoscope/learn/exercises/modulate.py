"""adaLN modulation.

A transformer block is told the time (and more) by scaling and shifting its normalised tokens (Peebles & Xie 2022,
arXiv:2212.09748, sec. 3.2):

    out = normalise(x) (1 + scale) + shift

x is (b, f, s, d); shift and scale (b, 1, 1, d); normalise is layer norm over d without parameters (eps 1e-5). At
scale = shift = 0, where training begins, that is the plain norm. With a normalised value of -1, scale 0.5 and shift
0.2: -1 * 1.5 + 0.2 = -1.3.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from ...denoisers.blocks import modulate as modulated
from ..exercise import Case, Suspect, draws

CHAPTER = 3
STARTER = '''
import torch
import torch.nn.functional as F


def modulate(x, shift, scale):
    """x: (b, f, s, d); shift, scale: (b, 1, 1, d). Returns (b, f, s, d)."""
    ...
'''
OUTPUTS = ("b f s d",)


def answer(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """The package's own."""
    return modulated(x, shift, scale)


def cases() -> Iterator[Case]:
    """As many tokens as channels first."""
    for seed, shape in enumerate([(2, 4, 4, 4), (2, 3, 5, 8), (1, 1, 1, 16)]):
        draw = draws(seed)
        condition = (shape[0], 1, 1, shape[3])
        yield Case(f"tokens of {shape}", (3 * draw(*shape) + 1, draw(*condition), draw(*condition)))


def also(solution: Callable[[Tensor, Tensor, Tensor], Tensor]) -> str | None:
    """A token whose numbers are all the same: what eps is for. How large it is, is not asked."""
    x, one = torch.full((1, 1, 2, 8), 0.5), torch.ones(1, 1, 1, 8)
    if not solution(x, one, one).isfinite().all():
        return "A token of equal numbers gives NaN: eps 1e-5 is added to the variance, under the root."
    return None


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


def terms(x: Tensor, shift: Tensor, scale: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What modulation mixes, and what it should not."""
    y = _norm(x)
    mixed = {
        "normalise(x)": y,
        "normalise(x) scale": y * scale,
        "shift": shift.expand_as(x),
        "scale": scale.expand_as(x),
    }
    return mixed | {"x": x, "x scale": x * scale, "normalise(x) shift": y * shift}, {}


SUSPECTS = (
    Suspect(
        lambda x, shift, scale: _norm(x) * (1 + scale) + 1 + shift,
        "1 is added to the shift, too: it belongs to the scale alone.",
    ),
    Suspect(
        lambda x, shift, scale: F.layer_norm(x, x.shape[2:]) * (1 + scale) + shift,
        "The norm runs over the tokens of a frame, too: each token is normalised by itself, over d only.",
    ),
    Suspect(
        lambda x, shift, scale: (
            (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5) * (1 + scale) + shift
        ),
        "You divide by the variance: the standard deviation, its square root, is meant.",
    ),
    Suspect(
        lambda x, shift, scale: F.normalize(x, dim=-1) * (1 + scale) + shift,
        "F.normalize makes tokens 1 long: layer norm takes the mean out and divides by the standard deviation.",
    ),
    Suspect(
        lambda x, shift, scale: _norm(x) + scale + shift,
        "scale is added: in norm * 1 + scale the product comes first, so it takes brackets, norm * (1 + scale).",
    ),
    Suspect(lambda x, shift, scale: _norm(x) * (1 + scale), "The shift is not added."),
    Suspect(
        lambda x, shift, scale: (x - x.mean(-1, keepdim=True)) * (1 + scale) + shift,
        "The tokens are centred, but not divided by their standard deviation.",
    ),
    Suspect(
        lambda x, shift, scale: (
            (x - x.mean(-1, keepdim=True)) / x.var(-1, correction=0, keepdim=True) * (1 + scale) + shift
        ),
        "You divide by the variance: the standard deviation, its square root, is meant.",
    ),
    Suspect(
        lambda x, shift, scale: (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) * (1 + scale) + shift,
        "The standard deviation divides by d - 1, as .std() and .var() do: layer norm divides by d (correction=0).",
    ),
    Suspect(
        lambda x, shift, scale: F.rms_norm(x, x.shape[-1:], eps=1e-5) * (1 + scale) + shift,
        "That is RMS norm: layer norm takes the mean out first.",
    ),
    Suspect(
        lambda x, shift, scale: (x - x.mean()) / x.std(correction=0) * (1 + scale) + shift,
        "Mean and deviation are those of the whole batch: each token is normalised by itself, over d only.",
    ),
    Suspect(
        lambda x, shift, scale: (x - x.mean()) / x.std() * (1 + scale) + shift,
        "Mean and deviation are those of the whole batch: each token is normalised by itself, over d only.",
    ),
    Suspect(
        lambda x, shift, scale: _norm(x) * (1 + shift) + scale,
        "Shift and scale are swapped: scale multiplies, shift is added.",
    ),
    Suspect(
        lambda x, shift, scale: _norm(x) * scale + shift,
        "The factor is scale: it has to be 1 + scale, else a network that starts at zero passes nothing on.",
    ),
    Suspect(
        lambda x, shift, scale: x * (1 + scale) + shift,
        "The tokens are not normalised: layer norm over d comes first.",
    ),
    Suspect(
        lambda x, shift, scale: (_norm(x) + shift) * (1 + scale),
        "The shift is scaled, too: multiply first, then add the shift.",
    ),
    Suspect(
        lambda x, shift, scale: _norm(x * (1 + scale) + shift),
        "You modulate before the norm, which takes part of it back: normalise first.",
    ),
    Suspect(
        lambda x, shift, scale: F.layer_norm(x, x.shape[1:]) * (1 + scale) + shift,
        "The norm runs over frames and tokens, too: each token is normalised by itself, over d only.",
    ),
    Suspect(
        lambda x, shift, scale: F.layer_norm(x.mT, x.shape[2:3]).mT * (1 + scale) + shift,
        "The norm runs over the tokens: it has to run over the channels d of each token.",
    ),
    Suspect(lambda x, shift, scale: _norm(x) * (1 + scale) - shift, "The shift is subtracted: it is added."),
)  # fmt: skip
