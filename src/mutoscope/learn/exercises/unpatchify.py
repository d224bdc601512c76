"""Unpatchify.

A transformer works on tokens; its last layer gives every token the numbers of its patch. Put them back.

tokens (b, n, k) hold the patches of a grid (f, h, w) in the order frame, row, column; a token's k numbers are those of
a patch (pf, ph, pw) of c channels in the order frame, row, column, channel. Return latents (b, c, f pf, h ph, w pw).

A latent clip (4, 4, 16, 16) cut into patches (1, 2, 2) is a grid (4, 8, 8): 256 tokens of 1 * 2 * 2 * 4 = 16 numbers.
"""

from collections.abc import Callable, Iterator

import torch
from einops import rearrange
from torch import Tensor

from ...nn.patch import Patch, patchify
from ...nn.patch import unpatchify as put_back
from ..exercise import Case, Suspect, draws

CHAPTER = 3
STARTER = '''
import torch
from einops import rearrange


def unpatchify(tokens, grid, patch):
    """tokens: (b, n, k); grid: (f, h, w); patch: (pf, ph, pw). Returns (b, c, f pf, h ph, w pw)."""
    ...
'''
OUTPUTS = ("b c (f pf) (h ph) (w pw)",)


def answer(tokens: Tensor, grid: Patch, patch: Patch) -> Tensor:
    """The package's own."""
    return put_back(tokens, grid, patch)


def cases() -> Iterator[Case]:
    """Everything alike first, so that a wrong order gives wrong numbers rather than an error; then all different."""
    for seed, (c, grid, patch) in enumerate(
        [(2, (2, 2, 2), (2, 2, 2)), (3, (2, 3, 4), (1, 2, 5)), (4, (1, 8, 8), (1, 2, 2))]
    ):
        n, k = grid[0] * grid[1] * grid[2], patch[0] * patch[1] * patch[2] * c
        yield Case(f"a grid of {grid} patches of {patch}, {c} channels", (draws(seed)(2, n, k), grid, patch))


def also(solution: Callable[[Tensor, Patch, Patch], Tensor]) -> str | None:
    """There and back."""
    latents = draws(7)(1, 3, 4, 6, 8)
    if not torch.equal(solution(patchify(latents, (2, 3, 2)), (2, 2, 4), (2, 3, 2)), latents):
        return "unpatchify(patchify(latents)) is not the latents: some number ended up in another place."
    return None


def _order(tokens: str, numbers: str) -> Callable[[Tensor, Patch, Patch], Tensor]:
    def solution(x: Tensor, grid: Patch, patch: Patch) -> Tensor:
        (f, h, w), (pf, ph, pw) = grid, patch
        sizes = {"f": f, "h": h, "w": w, "pf": pf, "ph": ph, "pw": pw}
        return rearrange(x, f"b ({tokens}) ({numbers}) -> b c (f pf) (h ph) (w pw)", **sizes)

    return solution


def _placed(axes: str) -> Callable[[Tensor, Patch, Patch], Tensor]:
    def solution(x: Tensor, grid: Patch, patch: Patch) -> Tensor:
        (f, h, w), (pf, ph, pw) = grid, patch
        sizes = {"f": f, "h": h, "w": w, "pf": pf, "ph": ph, "pw": pw}
        return rearrange(x, f"b (f h w) (pf ph pw c) -> {axes}", **sizes)

    return solution


def _permuted(*order: int) -> Callable[[Tensor, Patch, Patch], Tensor]:
    """Cut into (b, f, h, w, pf, ph, pw, c), permute, reshape: without the sizes of axes to contradict it."""

    def solution(x: Tensor, grid: Patch, patch: Patch) -> Tensor:
        sides = [count * size for count, size in zip(grid, patch, strict=True)]
        return x.reshape(len(x), *grid, *patch, -1).permute(order).reshape(len(x), -1, *sides)

    return solution


def _reshaped(x: Tensor, grid: Patch, patch: Patch) -> Tensor:
    sides = [count * size for count, size in zip(grid, patch, strict=True)]
    return x.reshape(len(x), -1, *sides)


INSIDE = "Rows and columns inside a patch are swapped: the numbers of a token are in the order pf, ph, pw, c."
SUSPECTS = (
    Suspect(
        _permuted(0, 7, 1, 4, 5, 2, 3, 6),
        "Rows are nested the wrong way round: (h ph), not (ph h).",
    ),
    Suspect(
        _permuted(0, 7, 1, 4, 5, 2, 6, 3),
        "Rows and columns are nested the wrong way round: (h ph) and (w pw), not (ph h) and (pw w).",
    ),
    Suspect(
        _permuted(0, 1, 4, 2, 5, 3, 6, 7),
        "The channels were not moved: after the permute they stand last, and reshape then cuts them as if they came "
        "first. Move them behind the batch.",
    ),
    Suspect(
        _permuted(0, 7, 4, 1, 2, 5, 3, 6),
        "Frames are nested the wrong way round: the frame in the video is (frame of the grid) * pf + (frame in the "
        "patch), so (f pf), not (pf f).",
    ),
    Suspect(_order("f h w", "pf pw ph c"), INSIDE),
    Suspect(_placed("b c (f pf) (h pw) (w ph)"), INSIDE),
    Suspect(_permuted(0, 7, 1, 4, 2, 6, 3, 5), INSIDE),
    Suspect(_permuted(0, 7, 1, 4, 3, 5, 2, 6), "Rows and columns of the grid are swapped: (h ph) first, then (w pw)."),
    Suspect(
        _permuted(0, 7, 1, 2, 3, 4, 5, 6),
        "The axes of the grid and of the patch are not beside each other: each axis of the grid is followed by its own "
        "axis of the patch, f pf h ph w pw, before they are joined.",
    ),
    Suspect(
        _placed("b c (f pf) (w pw) (h ph)"),
        "Rows and columns of the video are swapped in the result: (h ph) comes before (w pw).",
    ),
    Suspect(
        _placed("b (f pf) c (h ph) (w pw)"),
        "Channels come before frames in the result: b, c, frames, rows, columns.",
    ),
    Suspect(
        _placed("b (f pf) (h ph) (w pw) c"),
        "Channels come last in your result: latents are (b, c, f, h, w).",
    ),
    Suspect(
        _order("f h w", "c pf ph pw"),
        "You read the channels first: the numbers of a token are in the order pf, ph, pw, c, channels last.",
    ),
    Suspect(
        _order("f w h", "pf ph pw c"),
        "Rows and columns of the grid are swapped: tokens run along a row first, then to the next row: f, h, w.",
    ),
    Suspect(
        _order("h w f", "pf ph pw c"),
        "The grid is read with frames last: tokens are in the order f, h, w, all of frame 0 before frame 1.",
    ),
    Suspect(
        _placed("b c (pf f) (ph h) (pw w)"),
        "Grid and patch are nested the wrong way round: the row in the video is (row of the grid) * ph + (row in the "
        "patch), so in einops (h ph), not (ph h). Pixels of one patch have to be neighbours.",
    ),
    Suspect(
        _reshaped,
        "reshape alone never moves a number past another: the axes have to be permuted between two reshapes.",
    ),
    Suspect(_order("f h w", "ph pw pf c"), "Frames inside a patch come first: the order is pf, ph, pw, c."),
)
