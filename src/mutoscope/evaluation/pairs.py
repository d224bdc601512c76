"""Measuring a model of two sprites: each is judged alone, by its colour's channel, as a single one would be."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..data.config import COLOURS, SpriteConfig
from ..data.pairs import added, alone, of_one
from .adherence import Findings, examine, summarise, wilson
from .asking import BATCH, Generate, video_seeds
from .judge import Judge, load_or_train_judge
from .pairs_result import PairsEvaluation, PairVerdict
from .prompts import Asked, prompts, real_clips
from .reconstruction import psnr
from .result import Judge as JudgeRecord
from .result import Measured

PSNR_CLIPS = 24


@dataclass(frozen=True)
class AskedPair:
    """One question: a prompt about two sprites of different colours."""

    first: Asked
    second: Asked

    @property
    def prompt(self) -> str:
        """As training captions say it."""
        return f"{self.first.prompt} and {self.second.prompt}"


def pair_prompts(config: SpriteConfig, num: int, seed: int) -> list[AskedPair]:
    """Questions with all ordered pairs of colours in turn, and digits and directions spread evenly."""
    colours, sides = tuple(dict.fromkeys(config.colours)), []
    pairs = list(permutations(colours, 2))
    for side in (0, 1):
        draws = {colour: len(colours) * (2 * seed + side) + k for k, colour in enumerate(colours)}
        waiting = {colour: iter(prompts(of_one(config, colour), num, draws[colour])) for colour in colours}
        sides.append([next(waiting[pairs[i % len(pairs)][side]]) for i in range(num)])
    return [AskedPair(first, second) for first, second in zip(*sides, strict=True)]


def real_pairs(config: SpriteConfig, asked: list[AskedPair], seed: int) -> Float[Tensor, "n 3 F H W"]:
    """Clips that show exactly what is asked, with drawings never trained on."""
    return added(*(_real(config, [getattr(pair, side) for pair in asked], seed + k) for k, side in enumerate(SIDES)))


SIDES = ("first", "second")


def _real(config: SpriteConfig, asked: list[Asked], seed: int) -> Tensor:
    found: dict[int, Tensor] = {}
    for colour in dict.fromkeys(config.colours):
        rows = [i for i, question in enumerate(asked) if COLOURS[question.combination.colour] == colour]
        if rows:
            clips = real_clips(of_one(config, colour), [asked[i] for i in rows], seed)
            found |= dict(zip(rows, clips, strict=True))
    return torch.stack([found[i] for i in range(len(asked))])


@dataclass(frozen=True)
class EvaluatedPairs:
    """The numbers, and the videos (n, 3, F, H, W) they are about."""

    evaluation: PairsEvaluation
    frames: Tensor


def evaluate_pairs(
    config: SpriteConfig,
    generate: Generate,
    reconstruct: Callable[[Tensor], Tensor] | None,
    *,
    num_prompts: int = 240,
    seed: int = 0,
    cache: Path | None = None,
    on_share: Callable[[float], None] = lambda share: None,
) -> EvaluatedPairs:
    """Ask for videos of two sprites and judge each of them. Arguments as of `evaluate`; on_share: share generated."""
    judge = load_or_train_judge(of_one(config, config.colours[0]), cache)
    asked = pair_prompts(config, num_prompts, seed)
    real, seeds, parts = real_pairs(config, asked, 1 + 2 * seed), video_seeds(num_prompts, seed), []
    for start in range(0, num_prompts, BATCH):
        on_share(start / num_prompts)
        part = slice(start, start + BATCH)
        frames = generate([pair.prompt for pair in asked[part]], seeds[part])
        parts.append(frames.detach().float().cpu().nan_to_num(-1.0).clamp(-1, 1))
    frames = torch.cat(parts)
    on_share(1.0)

    def both(clips: Tensor, questions: list[AskedPair]) -> tuple[Findings, Findings]:
        first, second = ([getattr(pair, side) for pair in questions] for side in SIDES)
        return _examined(clips, first, config, judge), _examined(clips, second, config, judge)

    found, ceiling, floor = both(frames, asked), both(real, asked), both(real, asked[1:] + asked[:1])
    rebuilt = None if reconstruct is None else reconstruct(real[:PSNR_CLIPS])
    evaluation = PairsEvaluation(
        num_prompts=num_prompts,
        seed=seed,
        judge=JudgeRecord(accuracy=judge.accuracy, drawings=judge.num_drawings, fingerprint=judge.fingerprint),
        both=_share(_all(found), _all(ceiling), _all(floor)),
        digits=_share(*(a.correct[:, 0] & b.correct[:, 0] for a, b in (found, ceiling, floor))),
        directions=_share(*(a.correct[:, 2] & b.correct[:, 2] for a, b in (found, ceiling, floor))),
        first=summarise(found[0], has_colour=False, ceiling=ceiling[0], floor=floor[0]),
        second=summarise(found[1], has_colour=False, ceiling=ceiling[1], floor=floor[1]),
        psnr=None if rebuilt is None else Measured(value=psnr(rebuilt, real[:PSNR_CLIPS]).mean().item()),
        clips=tuple(
            PairVerdict(prompt=pair.prompt, seed=s, correct=bool(c), first=bool(a), second=bool(b))
            for pair, s, c, a, b in zip(
                asked, seeds, _all(found), found[0].all_correct, found[1].all_correct, strict=True
            )
        ),
    )
    return EvaluatedPairs(evaluation, frames)


def _examined(clips: Tensor, asked: list[Asked], config: SpriteConfig, judge: Judge) -> Findings:
    colours = np.array([question.combination.colour for question in asked])
    return examine(alone(clips, colours), asked, config, judge)


def _all(found: tuple[Findings, Findings]) -> Bool[Tensor, " n"]:
    return found[0].all_correct & found[1].all_correct


def _share(found: Tensor, ceiling: Tensor, floor: Tensor) -> Measured:
    low, high = wilson(int(found.sum()), len(found))
    value, top, bottom = (part.float().mean().item() for part in (found, ceiling, floor))
    return Measured(value=value, low=low, high=high, ceiling=top, floor=bottom, count=len(found))
