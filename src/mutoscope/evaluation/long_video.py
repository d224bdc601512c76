"""Does a video that goes on longer than its model was trained on still show what was asked, at its end?

Identity and colour only: a caption says nothing about what a sprite does when it has reached the edge. Of the videos
that are right at first, those count that are right at the end; one whose sprite is gone is wrong.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..data.captions import caption
from ..data.config import COLOURS, SpriteConfig
from .adherence import wilson
from .asking import Generate, ask, video_seeds
from .judge import Judge, clip_labels
from .prompts import Asked, prompts
from .result import Measured
from .tracking import colour_of, track

EDGE_FRAMES = 16  # at the beginning and at the end


@dataclass(frozen=True)
class LongVideo:
    """Shares of videos with the asked identity and colour, with Wilson's intervals."""

    num_frames: int
    first: Measured
    """In the first EDGE_FRAMES frames."""
    last: Measured
    """In the last EDGE_FRAMES frames."""
    kept: Measured
    """In the last ones, of the videos that are right in the first ones."""


def long_video(
    config: SpriteConfig,
    generate: Generate,
    judge: Judge,
    num_frames: int,
    *,
    num_prompts: int = 120,
    seed: int = 0,
    bouncing: bool = False,
) -> LongVideo:
    """Ask for `num_prompts` videos of `num_frames` frames and judge both ends.

    bouncing: ask for sprites that bounce, which stays true for any length, instead of for directions.
    ValueError: fewer frames than both ends have, or `generate` returned another shape.
    """
    if num_frames < 2 * EDGE_FRAMES:
        raise ValueError(
            f"{num_frames} frames are too few to tell their ends apart; ask for {2 * EDGE_FRAMES} or more."
        )
    asked = prompts(config, num_prompts, seed)
    if bouncing:
        asked = [_bouncing(config, question) for question in asked]
    longer = config.model_copy(update={"num_frames": num_frames})  # of the videos; no clip is drawn with it
    frames = ask(generate, asked, video_seeds(num_prompts, seed), longer)
    return judge_ends(frames, asked, config, judge)


def judge_ends(frames: Float[Tensor, "n c F H W"], asked: list[Asked], config: SpriteConfig, judge: Judge) -> LongVideo:
    """Clip i against question i, at both ends."""
    first = right(frames[:, :, :EDGE_FRAMES], asked, config, judge)
    last = right(frames[:, :, -EDGE_FRAMES:], asked, config, judge)
    return LongVideo(frames.shape[2], first=_share(first), last=_share(last), kept=_share(last[first]))


@torch.no_grad()
def right(
    frames: Float[Tensor, "n c F H W"], asked: list[Asked], config: SpriteConfig, judge: Judge
) -> Bool[Tensor, "n"]:
    """Whether identity and colour of clip i are those of question i; wrong where half of the frames are blank."""
    found = track(frames)
    wanted = torch.tensor([(question.combination.identity, question.combination.colour) for question in asked])
    identity = clip_labels(judge.classify(frames, found)) == wanted[:, 0]
    colour = colour_of(frames, found, config.colours) == wanted[:, 1]
    return identity & colour & (found.blank.float().mean(1) < 0.5)


def _share(which: Bool[Tensor, "n"]) -> Measured:
    count, number = int(which.sum()), len(which)
    low, high = wilson(count, number)
    return Measured(value=count / number if number else 0.0, low=low, high=high, count=number)


def _bouncing(config: SpriteConfig, question: Asked) -> Asked:
    what = question.combination
    colour = COLOURS[what.colour] if what.colour >= 0 else None
    return replace(question, prompt=caption(config, what.name, colour, None), speed=None)
