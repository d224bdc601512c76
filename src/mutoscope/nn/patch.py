"""Latent video <-> spacetime tokens.

Axes: b batch, c channel, f h w latent frame/row/column, n token, k values per token.
"""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

Patch = tuple[int, int, int]  # (frames, rows, columns) covered by one token


def patchify(latents: Float[Tensor, "b c f h w"], patch: Patch) -> Float[Tensor, "b n k"]:
    """Cut a latent video into non-overlapping spacetime patches, one token each, in (frame, row, column) order."""
    pf, ph, pw = patch
    return rearrange(latents, "b c (f pf) (h ph) (w pw) -> b (f h w) (pf ph pw c)", pf=pf, ph=ph, pw=pw)


def unpatchify(tokens: Float[Tensor, "b n k"], grid: Patch, patch: Patch) -> Float[Tensor, "b c f h w"]:
    """Inverse of `patchify`; `grid` is the number of patches along (frames, rows, columns)."""
    (f, h, w), (pf, ph, pw) = grid, patch
    return rearrange(tokens, "b (f h w) (pf ph pw c) -> b c (f pf) (h ph) (w pw)", f=f, h=h, w=w, pf=pf, ph=ph, pw=pw)
