"""What to ask a model for, and real clips that show exactly that: the ceiling is measured on the same questions."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..data.captions import SpeedWord, caption
from ..data.config import COLOURS, DIRECTIONS, SpriteConfig
from ..data.sprites import Combination, SpriteClips, SpriteSplit, combinations

HELD_OUT_SHARE = 0.25  # of the prompts, at most: the rest asks for combinations seen in training
PLAIN, WITH_SPEED = 0, 1  # phrasings: the plainest, and the plainest that says how fast
BLOCK = 4096  # clips whose truth is looked through at a time
MAX_BLOCKS = 200


@dataclass(frozen=True)
class Asked:
    """One question to a model: the prompt and what its answer has to show; speed None = not asked."""

    prompt: str
    combination: Combination
    speed: SpeedWord | None


def prompts(config: SpriteConfig, num: int = 240, seed: int = 0) -> list[Asked]:
    """Prompts spread evenly over identities, colours and directions; half of them also ask for a speed.

    Up to a quarter asks for combinations never trained on (all of them, if they are fewer). If there are fewer
    combinations than prompts, they repeat.
    """
    if num < 1:
        raise ValueError(f"num={num} prompts cannot be asked; give 1 or more.")
    found = combinations(config)
    seen, held_out = [c for c in found if not c.held_out], [c for c in found if c.held_out]
    random = np.random.default_rng(seed)
    num_held_out = min(len(held_out), round(num * HELD_OUT_SHARE)) if seen else num
    chosen = _spread(held_out, num_held_out, random) + _spread(seen, num - num_held_out, random)
    speeds: tuple[SpeedWord | None, ...] = (None, "slowly", None, "quickly")
    asked = [_asked(config, combination, speeds[i % len(speeds)]) for i, combination in enumerate(chosen)]
    return [asked[i] for i in random.permutation(len(asked))]


def _asked(config: SpriteConfig, what: Combination, speed: SpeedWord | None) -> Asked:
    colour = COLOURS[what.colour] if what.colour >= 0 else None
    phrasing = PLAIN if speed is None else WITH_SPEED
    return Asked(caption(config, what.name, colour, DIRECTIONS[what.direction], speed, phrasing), what, speed)


def _spread(pool: list[Combination], num: int, random: np.random.Generator) -> list[Combination]:
    """Take one after the other what was asked least so far, in identity, colour and direction together."""
    if not pool or num < 1:
        return []
    values = np.array([(c.identity, c.colour + 1, c.direction + 1) for c in pool])
    counts = np.zeros((3, values.max() + 1))
    taken, chosen = np.zeros(len(pool)), []
    for _ in range(num):
        # A combination already taken waits until all of them are; noise below 1 breaks ties.
        cost = sum(counts[k][values[:, k]] for k in range(3)) + 1e6 * taken + random.uniform(0, 0.5, len(pool))
        best = int(np.argmin(cost))
        taken[best] += 1
        counts[np.arange(3), values[best]] += 1
        chosen.append(pool[best])
    return chosen


def asked_speed(config: SpriteConfig, asked: Asked) -> float | None:
    """Pixels per frame that a prompt asks for."""
    return {"slowly": config.slow_speed, "quickly": config.fast_speed, None: None}[asked.speed]


def real_clips(config: SpriteConfig, asked: list[Asked], seed: int) -> Float[Tensor, "b c F H W"]:
    """One real clip per question that shows exactly what is asked, with drawings never trained on."""
    clips: list[Tensor | None] = [None] * len(asked)
    splits: tuple[SpriteSplit, ...] = ("test", "held_out")
    for split in splits:
        wanted = [i for i, question in enumerate(asked) if question.combination.held_out == (split == "held_out")]
        if wanted:
            source = SpriteClips(config, split, seed)
            indices = _matching(source, config, [asked[i] for i in wanted])
            for start in range(0, len(wanted), 64):
                frames = source.batch(indices[start : start + 64]).frames
                for i, clip in zip(wanted[start : start + 64], frames, strict=True):
                    clips[i] = clip
    return torch.stack([clip for clip in clips if clip is not None])


def _matching(source: SpriteClips, config: SpriteConfig, asked: list[Asked]) -> list[int]:
    """Index of a clip for each question, every clip used once. The truth of a clip is cheap: look until all match."""
    waiting: dict[tuple[int, int, int, float | None], list[int]] = {}
    for i, question in enumerate(asked):
        what = question.combination
        key = (what.identity, what.colour, what.direction, asked_speed(config, question))
        waiting.setdefault(key, []).append(i)
    found: dict[int, int] = {}
    for block in range(MAX_BLOCKS):
        truth = source.truth(range(block * BLOCK, (block + 1) * BLOCK))
        slow = np.abs(truth.speed - config.slow_speed) <= np.abs(truth.speed - config.fast_speed)
        columns = [x.tolist() for x in (truth.identity, truth.colour, truth.direction, slow)]
        for offset, (identity, colour, direction, is_slow) in enumerate(zip(*columns, strict=True)):
            speed = config.slow_speed if is_slow else config.fast_speed
            for key in ((identity, colour, direction, speed), (identity, colour, direction, None)):
                if waiting.get(key):
                    found[waiting[key].pop()] = block * BLOCK + offset
                    break
        if len(found) == len(asked):
            return [found[i] for i in range(len(asked))]
    missing = Counter(asked[i].prompt for i in range(len(asked)) if i not in found)
    raise ValueError(f"no real clip found for {next(iter(missing))!r} and {len(missing) - 1} more prompts.")
