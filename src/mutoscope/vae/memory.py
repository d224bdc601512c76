"""What a causal network remembers between chunks of one clip, so that streaming equals doing it whole."""

import torch
from jaxtyping import Float
from torch import Tensor


class Memory:
    """The last frame that each block saw, in the order in which the blocks run; empty at the start of a clip."""

    def __init__(self) -> None:
        self._frames: list[Tensor] = []
        self._cursor = 0
        self._chunks = 0

    @property
    def at_start(self) -> bool:
        """True until the first chunk begins; counted, since a network without memory stores no frames."""
        return self._chunks == 0

    def rewind(self) -> None:
        """Call before each chunk: blocks run in the same order again."""
        self._cursor = 0
        self._chunks += 1

    def previous(self, x: Float[Tensor, "b F c h w"]) -> Float[Tensor, "b F c h w"]:
        """The frame before each frame of x: zeros before the first of a clip, else what the last chunk ended with."""
        if self._cursor == len(self._frames):
            self._frames.append(torch.zeros_like(x[:, 0]))
        shifted = torch.cat([self._frames[self._cursor][:, None], x[:, :-1]], dim=1)
        self._frames[self._cursor] = x[:, -1]
        self._cursor += 1
        return shifted
