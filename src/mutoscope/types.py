"""The few types that travel between the parts.

Axes, in einops strings and annotations: b batch, c channel, F H W pixel frame/row/column, f h w latent
frame/row/column, n token, l text token, d width. t is diffusion time in [0, 1] (0 = data, 1 = noise), never an axis.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(xt (b, *s), t (b,) or (b, f)) -> estimate of x0 (b, *s). The only thing a sampler sees."""


@dataclass(frozen=True)
class VideoBatch:
    """Clips as the networks see them: frames (b, c, F, H, W) in [-1, 1], c = 1 or 3, and one caption each."""

    frames: Float[Tensor, "b c F H W"]
    captions: list[str]


@dataclass(frozen=True)
class Context:
    """Text as the denoiser sees it: token states (b, l, d) and which of them are real (True) rather than padding."""

    tokens: Float[Tensor, "b l d"]
    mask: Bool[Tensor, "b l"]


@runtime_checkable
class Network(Protocol):
    """What predicts: noisy latents, diffusion time and text in; velocity, epsilon or x0 out, shaped like `xt`."""

    def __call__(
        self, xt: Float[Tensor, "b c f h w"], t: Float[Tensor, "..."], context: Context | None
    ) -> Float[Tensor, "b c f h w"]:
        """t: (b,) one time per clip, or (b, f) one per latent frame; context None = unconditional network."""
        ...
