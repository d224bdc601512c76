"""Ask a model: prompts and seeds in, clips on the CPU out."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ..data.config import SpriteConfig
from .prompts import Asked

Generate = Callable[[list[str], list[int]], Tensor]
"""(prompts, one seed each) -> frames (b, c, F, H, W) in [-1, 1]."""

BATCH = 24  # prompts per call of `generate`


def video_seeds(num: int, seed: int) -> list[int]:
    """A seed per video; those of neighbouring seeds do not overlap."""
    return [1_000_000 * seed + i for i in range(num)]


def ask(
    generate: Generate,
    asked: list[Asked],
    seeds: list[int],
    config: SpriteConfig,
    on_share: Callable[[float], None] | None = None,
) -> Float[Tensor, "n c F H W"]:
    """One clip per question, in order; `on_share` hears the share done, before each batch.

    ValueError: `generate` returned another shape than clips of this data have.
    """
    shape = (3 if config.colours else 1, config.num_frames, config.height, config.width)
    parts = []
    for start in range(0, len(asked), BATCH):
        if on_share is not None:
            on_share(start / len(asked))
        batch = asked[start : start + BATCH]
        frames = generate([question.prompt for question in batch], seeds[start : start + BATCH])
        if frames.shape != (len(batch), *shape):
            raise ValueError(
                f"generate returned {tuple(frames.shape)} for {len(batch)} prompts; "
                f"clips of this data are {(len(batch), *shape)}."
            )
        # A network that diverged writes NaN: that is a blank frame, not a crash of the report.
        parts.append(frames.detach().float().cpu().nan_to_num(-1.0).clamp(-1, 1))
    return torch.cat(parts)
