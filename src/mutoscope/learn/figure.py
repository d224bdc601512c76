"""What an interactive figure is made of: a slider, and clips that it changes. Loads torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..data.open import open_clips
from ..pipeline import Pipeline
from ..recipes.packaged import packaged
from ..video.pixels import to_uint8

Tell = Callable[[int, int], None]
"""Called with (what is done, what there is to do) while a figure is computed; what it raises ends that."""


@dataclass(frozen=True)
class Asked:
    """What a figure is about."""

    prompt: str
    """What its videos show; a figure about a clip does not read it."""
    number: int
    """The clip, or the seed of the videos."""


@dataclass(frozen=True)
class Position:
    """One position of the slider."""

    value: str
    """Beside the slider."""
    said: str
    """What the numbers are here, in sentences."""
    clips: tuple[UInt8[np.ndarray, "F _ _ 3"], ...]
    """One for each caption of the figure; all positions have them in the same sizes."""


@dataclass(frozen=True)
class Drawn:
    """A whole figure: every position its slider can have."""

    captions: tuple[str, ...]
    fps: float
    positions: tuple[Position, ...]
    begin: int
    """The position it is shown at first."""


Draw = Callable[[Pipeline, Asked, Tell], Drawn]
"""What every file in `figures/` defines as `draw`: (packaged model, what it is about, tell) -> the figure."""


def clip_of(number: int) -> tuple[Float[Tensor, "1 c F H W"], str]:
    """A clip that the packaged model was not trained on, and its caption."""
    batch = open_clips(packaged().data, "test", seed=0).batch([number])
    return batch.frames, batch.captions[0]


def as_bytes(clips: Float[Tensor, "b c F H W"]) -> list[UInt8[np.ndarray, "F H W 3"]]:
    """Each clip."""
    return [to_uint8(clip) for clip in clips]


def standard_normal(shape: Sequence[int], seed: int) -> Float[Tensor, "*s"]:
    """One draw, the same for the same seed."""
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))
