"""Sequences of factorised attention.

Factorised attention looks within each frame first, then over time at each place (Arnab et al. 2021, arXiv:2103.15691,
model 3; for diffusion Ho et al. 2022, arXiv:2204.03458). It is the same attention on other sequences; what remains to
be written is who sits with whom.

From x (b, c, f, h, w) make

    space (b f, h w, c): a sequence of places for every frame
    time  (b h w, f, c): a sequence of frames for every place

With f = 2 frames of h w = 6 places, a clip becomes 2 sequences of 6 and 6 sequences of 2; the first of the latter holds
the top left place of both frames.
"""

from collections.abc import Iterator

from einops import rearrange
from torch import Tensor

from ...denoisers.blocks import SEQUENCES
from ..exercise import Case, Suspect, draws

CHAPTER = 2
STARTER = '''
import torch
from einops import rearrange


def factorised_attention(x):
    """x: (b, c, f, h, w). Returns space (b f, h w, c) and time (b h w, f, c)."""
    ...
'''
OUTPUTS = ("(b f) (h w) c", "(b h w) f c")


def answer(x: Tensor) -> tuple[Tensor, Tensor]:
    """By the orders that the package's attention uses."""
    tokens = rearrange(x, "b c f h w -> b f (h w) c")
    return tuple(rearrange(tokens, f"b f s d -> {SEQUENCES[among]}") for among in ("frame", "place"))  # pyright: ignore


def cases() -> Iterator[Case]:
    """All axes alike first, then all different."""
    for seed, shape in enumerate([(2, 2, 2, 2, 2), (2, 3, 4, 5, 6), (1, 2, 1, 3, 2)]):
        yield Case(f"x of {shape}", (draws(seed)(*shape),))


def _space(x: Tensor) -> Tensor:
    return rearrange(x, "b c f h w -> (b f) (h w) c")


def _time(x: Tensor) -> Tensor:
    return rearrange(x, "b c f h w -> (b h w) f c")


def _both_reshaped(x: Tensor) -> tuple[Tensor, Tensor]:
    b, c, f, h, w = x.shape
    return x.reshape(b * f, h * w, c), x.reshape(b * h * w, f, c)


SUSPECTS = (
    Suspect(
        lambda x: (_space(x), rearrange(x, "b c f h w -> (b w) (f h) c")),
        "The rows went into the time sequences: every place (h w) has a sequence of its own, of its f frames.",
    ),
    Suspect(
        lambda x: (_space(x), _time(x.flip(2))),
        "The frames of the time sequences are in reverse order.",
    ),
    Suspect(
        lambda x: (_space(x.transpose(1, 2)), _time(x.transpose(1, 2))),
        "Channels and frames are exchanged: x is (b, c, f, h, w), channels before frames.",
    ),
    Suspect(
        lambda x: (_space(x), rearrange(x, "b c f h w -> (b h w) c f")),
        "In the time sequences channels stand before frames: attention expects (sequence, token, channels).",
    ),
    Suspect(
        lambda x: (_space(x), rearrange(x, "b c f h w -> b (f h w) c")),
        "The time sequences hold all tokens of a clip: each place has a sequence of its own, so h and w go to the "
        "clips, (b h w).",
    ),
    Suspect(
        lambda x: (_space(x), rearrange(x, "b c f h w -> (b h w) c f").reshape(-1, x.shape[2], x.shape[1])),
        "Frames and channels of the time sequences were exchanged by reshape: permute them, channels last.",
    ),
    Suspect(
        lambda x: (rearrange(x, "b c f h w -> (b f) c (h w)").reshape(-1, x[0, 0, 0].numel(), x.shape[1]), _time(x)),
        "Places and channels of the space sequences were exchanged by reshape: permute them, channels last.",
    ),
    Suspect(
        lambda x: (rearrange(x, "b c f h w -> b f (h w) c"), rearrange(x, "b c f h w -> b (h w) f c")),
        "The sequences keep an axis for the clips: join it with the frames, (b f), and with the places, (b h w).",
    ),
    Suspect(
        lambda x: (_space(x), rearrange(x, "b c f h w -> (b w h) f c")),
        "Rows and columns of the time sequences are swapped: places are counted along a row first, (h w).",
    ),
    Suspect(
        _both_reshaped,
        "reshape only cuts the row of numbers anew: it never moves an axis. Permute first (channels last), then "
        "reshape.",
    ),
    Suspect(
        lambda x: (_space(x), _space(x).reshape(-1, x.shape[2], x.shape[1])),
        "The time sequences were cut from the space sequences by reshape: neighbouring places of one frame sit where "
        "frames belong. Move the frame axis behind the places first.",
    ),
    Suspect(
        lambda x: (_space(x), rearrange(x, "b c f h w -> (h w b) f c")),
        "The time sequences are in the order (h w b): the clip has to come first, else they cannot be put back beside "
        "the others.",
    ),
    Suspect(
        lambda x: (rearrange(x, "b c f h w -> (f b) (h w) c"), _time(x)),
        "The space sequences are in the order (f b): the clip comes first, then its frames.",
    ),
    Suspect(
        lambda x: (rearrange(x, "b c f h w -> (b f) (w h) c"), rearrange(x, "b c f h w -> (b w h) f c")),
        "Rows and columns are swapped: places are counted along a row first, (h w).",
    ),
    Suspect(
        lambda x: (rearrange(x, "b c f h w -> (b f) (w h) c"), _time(x)),
        "Rows and columns of the space sequences are swapped: places are counted along a row first, (h w).",
    ),
    Suspect(lambda x: (_time(x), _space(x)), "Space and time are swapped: the space sequences come first."),
    Suspect(
        lambda x: (rearrange(x, "b c f h w -> (b f) c (h w)"), rearrange(x, "b c f h w -> (b h w) c f")),
        "Channels sit in the middle: attention expects (sequence, token, channels), so channels come last.",
    ),
)
