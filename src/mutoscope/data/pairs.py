"""Clips of two moving sprites of different colours: two clips of one sprite each, seen at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..types import VideoBatch
from .config import COLOURS, Colour, SpriteConfig
from .sprites import SpriteClips, SpriteTruth

PURE: tuple[Colour, ...] = ("red", "green", "blue")
"""Colours of one channel each: what two of them show can be told apart exactly, also where they overlap."""


@dataclass(frozen=True)
class PairBatch(VideoBatch):
    """Clips, captions, and the truth about the sprite that is named first and about the other one."""

    first: SpriteTruth
    second: SpriteTruth


class PairClips:
    """An endless, indexable set; clip i shows clips 2 i and 2 i + 1 of sets of one sprite and one colour each.

    All ordered pairs of colours take turns. With `num_clips`, training clips repeat.
    """

    def __init__(self, config: SpriteConfig, split: Literal["train", "test"], seed: int):
        """ValueError: fewer than two colours, or such that cannot be told apart; else as `SpriteClips`."""
        if not set(config.colours) <= set(PURE) or len(set(config.colours)) < 2:
            raise ValueError(
                f"two sprites are told apart by their colours, which must be two or three of {', '.join(PURE)}; got "
                f"{', '.join(config.colours) or 'none'}. Use --data.colours red green blue."
            )
        self.config, self.split, self.seed = config, split, seed
        self._pairs = list(permutations(dict.fromkeys(config.colours), 2))
        self._sources = {colour: SpriteClips(of_one(config, colour), split, seed) for colour in config.colours}
        self.names = self._sources[config.colours[0]].names

    @property
    def identity(self) -> str:
        """Changes with the clips."""
        return f"{self.config.model_dump_json()}/{self.seed}"

    def batch(self, indices: Sequence[int]) -> PairBatch:
        """Clips `indices`: frames (b, 3, F, H, W) in [-1, 1], captions and truth."""
        numbers = self._numbers(indices)
        parts = [[self._sources[colour].batch([number]) for colour, number in zip(*both, strict=True)]
                 for both in zip(self._colours(numbers), self._inner(numbers), strict=True)]  # fmt: skip
        frames = torch.cat([added(first.frames, second.frames) for first, second in parts])
        captions = [f"{first.captions[0]} and {second.captions[0]}" for first, second in parts]
        truths = [_joined([pair[k].truth for pair in parts]) for k in (0, 1)]
        return PairBatch(frames, captions, *truths)

    def captions(self, indices: Sequence[int]) -> list[str]:
        """What `batch` says about clips `indices`, without drawing them."""
        numbers = self._numbers(indices)
        return [
            " and ".join(self._sources[colour].captions([number])[0] for colour, number in zip(*both, strict=True))
            for both in zip(self._colours(numbers), self._inner(numbers), strict=True)
        ]

    def shapes(self, indices: Sequence[int]) -> list[tuple[int, int, int]]:
        """(frames, rows, columns) of clips `indices`: all are alike."""
        return [(self.config.num_frames, self.config.height, self.config.width)] * len(indices)

    def _numbers(self, indices: Sequence[int]) -> list[int]:
        finite = self.config.num_clips if self.split == "train" else None
        return [int(i) % finite if finite else int(i) for i in indices]

    def _colours(self, numbers: list[int]) -> list[tuple[Colour, ...]]:
        return [self._pairs[number % len(self._pairs)] for number in numbers]

    def _inner(self, numbers: list[int]) -> list[tuple[int, int]]:
        return [(2 * number, 2 * number + 1) for number in numbers]


def of_one(config: SpriteConfig, colour: Colour) -> SpriteConfig:
    """Clips of one sprite of a colour."""
    return config.model_copy(update={"colours": (colour,), "num_sprites": 1, "num_clips": None})


def added(first: Float[Tensor, "*s"], second: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """Both on one black ground; frames in [-1, 1]. Colours of one channel each do not hide each other."""
    return torch.maximum(first, second)


def alone(frames: Float[Tensor, "b 3 F H W"], colours: Int64[np.ndarray, "b"]) -> Float[Tensor, "b 3 F H W"]:
    """What of each clip has the channel of its pure colour (index into `COLOURS`), on black."""
    channels = torch.tensor([PURE.index(COLOURS[colour]) for colour in colours])
    kept = torch.zeros(len(frames), 3, 1, 1, 1, dtype=torch.bool)
    kept[torch.arange(len(frames)), channels] = True
    return torch.where(kept, frames, torch.full_like(frames, -1))


def _joined(truths: Sequence[SpriteTruth]) -> SpriteTruth:
    fields = SpriteTruth.__dataclass_fields__
    return SpriteTruth(**{name: np.concatenate([getattr(truth, name) for truth in truths]) for name in fields})
