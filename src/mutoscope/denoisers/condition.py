"""Diffusion time and text as the vector that modulates every block."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.embed import sinusoid
from ..types import Context

TIME_DIM = 256  # sinusoidal features of diffusion time


def time_mlp(dim: int) -> nn.Sequential:
    """The layers that turn features of diffusion time into a condition (Ho et al. 2020, arXiv:2006.11239)."""
    return nn.Sequential(nn.Linear(TIME_DIM, dim), nn.SiLU(), nn.Linear(dim, dim))


def cast_context(context: Context | None, text: bool, dtype: torch.dtype) -> Context | None:
    """The context in the network's arithmetic; ValueError where a network with text gets none, or the reverse."""
    if (context is None) == text:
        raise ValueError(f"denoiser.text={text} does not fit context={'None' if context is None else 'given'}.")
    return None if context is None else Context(context.tokens.to(dtype), context.mask)


def frame_times(t: Float[Tensor, "..."], f: int) -> Float[Tensor, "b g"]:
    """Times (b,) or (b, latent frames) -> one per clip (g = 1) or per frame of tokens (g = f): the mean of a patch."""
    return t[:, None] if t.ndim == 1 else t.unflatten(1, (f, -1)).mean(-1)


def condition_of(
    t: Float[Tensor, "b g"], time_layers: nn.Sequential, context: Context | None, text_layer: nn.Linear | None
) -> Float[Tensor, "b g d"]:
    """SiLU of embedded time plus embedded mean of the real text tokens.

    Cross-attention alone learns slowly which words matter; the pooled text in the modulation is a short cut.
    """
    dtype = next(time_layers.parameters()).dtype
    condition = time_layers(sinusoid(t, TIME_DIM).to(dtype))
    if context is not None and text_layer is not None:
        real = context.mask[..., None].to(dtype)
        condition = condition + text_layer((context.tokens * real).sum(1) / real.sum(1))[:, None]
    return F.silu(condition)
