"""Which words each place of a video reads from: cross-attention, kept while a network runs.

Maps of words from cross-attention: Hertz et al. 2022 (arXiv:2208.01626, sec. 3), summed over heads, blocks and steps as
by Tang et al. 2022 (DAAM, arXiv:2210.04885, eq. 4).
"""

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.patch import Patch
from .blocks import CrossAttention
from .dit import DiT
from .unet import UNet


def attention_weights(
    query: Float[Tensor, "b heads n d"], key: Float[Tensor, "b heads l d"], mask: Bool[Tensor, "b l"]
) -> Float[Tensor, "b heads n l"]:
    """Softmax(q k^T / sqrt(d)) over the real tokens, 0 on padding (Vaswani et al. 2017, arXiv:1706.03762, eq. 1).

    Each of n queries has shares of 1.
    """
    scores = query.float() @ key.float().mT * query.shape[-1] ** -0.5
    return scores.masked_fill(~mask[:, None, None], float("-inf")).softmax(-1)


class WordAttention:
    """Inside `with WordAttention(denoiser, tokens) as seen:`, every call about these text tokens is counted.

    Calls about other text, as those that guidance moves away from, are not. The network computes what it always does,
    and is left as it was. `seen.group` says what the next calls are counted under.
    """

    def __init__(self, denoiser: nn.Module, tokens: Float[Tensor, "b l d"]):
        """tokens: of the context that the network is asked about. ValueError where it has no cross-attention."""
        self._layers = [layer for layer in denoiser.modules() if isinstance(layer, CrossAttention)]
        if not self._layers:
            raise ValueError("this network does not attend to words: its text comes in all at once. Nothing to see.")
        self._denoiser, self._tokens = denoiser, tokens
        self._shape, self._asked = torch.Size(), False
        self._hooks: list[Any] = []
        self._sums: dict[Hashable, Tensor] = {}
        self._counts: dict[Hashable, int] = {}
        self.group: Hashable = None

    def __enter__(self) -> "WordAttention":
        self._hooks = [self._denoiser.register_forward_pre_hook(self._begin)]
        self._hooks += [layer.register_forward_hook(self._count) for layer in self._layers]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    @property
    def groups(self) -> list[Hashable]:
        """Those that were seen, in order."""
        return list(self._sums)

    def maps(self, groups: Sequence[Hashable]) -> Float[Tensor, "b f h w l"]:
        """Share of each token at each place of the latents: mean over heads, blocks and the calls of some groups."""
        total = torch.stack([self._sums[group] for group in groups]).sum(0)
        return total / sum(self._counts[group] for group in groups)

    def _begin(self, network: nn.Module, given: tuple[Any, ...]) -> None:
        xt, _, context = given
        self._shape = xt.shape
        self._asked = context is not None and torch.equal(context.tokens.to(self._tokens), self._tokens)

    @torch.no_grad()
    def _count(self, layer: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        if not self._asked:
            return
        assert isinstance(layer, CrossAttention)
        x, context = given
        shares = attention_weights(*layer.look(x, context), context.mask).mean(1)  # over heads: (b, n, l)
        grid = self._grid(x.shape[2])
        volume = shares.unflatten(1, grid).movedim(-1, 1)  # (b, l, *grid)
        seen = F.interpolate(volume, size=self._shape[-3:], mode="nearest").movedim(1, -1).cpu()
        self._sums[self.group] = self._sums[self.group] + seen if self.group in self._sums else seen
        self._counts[self.group] = self._counts.get(self.group, 0) + 1

    def _grid(self, places: int) -> Patch:
        """(frames, rows, columns) of the level with so many places per frame."""
        network = self._denoiser
        assert isinstance(network, DiT | UNet)
        grids = network.grids(self._shape) if isinstance(network, UNet) else [network.grid(self._shape)]
        return next(grid for grid in grids if grid[1] * grid[2] == places)
