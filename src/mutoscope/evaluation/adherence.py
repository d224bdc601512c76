"""Does a video show what its prompt asked for? Identity, colour, direction, speed, size; per clip, then as shares.

An interval is Wilson's (1927), 95 %: honest for small counts and for shares near 0 and 1.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.config import COLOURS, DIRECTIONS, SpriteConfig
from .area import TOLERANCE, area_errors
from .judge import Judge, clip_labels
from .prompts import Asked, asked_speed
from .result import Adherence, ClipVerdict, Measured
from .tracking import MIN_SPEED, colour_of, direction_of, track

PERSISTENT = 0.9  # a label that holds in this share of the frames persists


@dataclass(frozen=True)
class Findings:
    """What the judge found in n clips and whether it was asked for; `labels` are indices, -1 = none found."""

    labels: Int[Tensor, "n 3"]
    """Identity, colour, direction."""
    correct: Bool[Tensor, "n 3"]
    all_correct: Bool[Tensor, " n"]
    frame_identity: Float[Tensor, " n"]
    persistent: Bool[Tensor, " n"]
    blank: Float[Tensor, " n"]
    speed_error: Float[Tensor, " n"]
    """|measured - asked| in px/frame; NaN where no speed was asked."""
    area_error: Float[Tensor, "n F"] | None
    """|area / true area - 1|; None where an identity has drawings of many sizes."""
    frame_correct: Bool[Tensor, "n F"]
    """Whether the frame's own label is the asked one."""
    frame_blank: Bool[Tensor, "n F"]
    num_identities: int
    """That there are to choose from: with one, the label says nothing."""


@torch.no_grad()
def examine(frames: Float[Tensor, "b c F H W"], asked: list[Asked], config: SpriteConfig, judge: Judge) -> Findings:
    """Judge clip i against question i."""
    if len(frames) != len(asked):
        raise ValueError(f"{len(frames)} clips for {len(asked)} prompts; give one clip per prompt, in order.")
    found = track(frames)
    probabilities = judge.classify(frames, found)
    per_frame = torch.where(found.blank, -1, probabilities.argmax(dim=2))
    visible = found.blank.float().mean(1) < 0.5
    labels = torch.stack(
        [
            torch.where(visible, clip_labels(probabilities), -1),
            colour_of(frames, found, config.colours),
            torch.where(visible, direction_of(found, config.directions, min(MIN_SPEED, config.slow_speed / 3)), -1),
        ],
        dim=1,
    )
    wanted = torch.tensor([(q.combination.identity, q.combination.colour, q.combination.direction) for q in asked])
    correct = (labels == wanted) & torch.stack([visible, visible, visible], dim=1)
    frame_correct = per_frame == wanted[:, :1]
    counts = torch.stack([(per_frame == k).float().mean(1) for k in range(len(judge.names))], dim=1)
    speeds = torch.tensor([math.nan if s is None else s for s in (asked_speed(config, q) for q in asked)])
    return Findings(
        labels=labels,
        correct=correct,
        all_correct=correct.all(1),
        frame_identity=frame_correct.float().mean(1),
        persistent=counts.amax(1) >= PERSISTENT,
        blank=found.blank.float().mean(1),
        speed_error=(found.speed - speeds).abs(),
        area_error=area_errors(frames, config),
        frame_correct=frame_correct,
        frame_blank=found.blank,
        num_identities=len(judge.names),
    )


def summarise(
    findings: Findings,
    *,
    has_colour: bool,
    ceiling: Findings | None = None,
    floor: Findings | None = None,
    where: Bool[Tensor, " n"] | None = None,
) -> Adherence:
    """Shares over the clips in `where` (all of them by default), beside the same of the ceiling and the floor.

    What a label says is left out where all identities have the same one.
    """
    everyone = torch.ones(len(findings.blank), dtype=torch.bool) if where is None else where
    count = int(everyone.sum())
    value, top, bottom = (_shares(f, everyone) if f is not None else {} for f in (findings, ceiling, floor))

    def measure(name: str, counted: bool) -> Measured:
        low, high = wilson(round(value[name] * count), count) if counted else (None, None)
        bounds = {"ceiling": top.get(name), "floor": bottom.get(name)}
        return Measured(value=value[name], low=low, high=high, count=count, **bounds)

    several = findings.num_identities > 1
    return Adherence(
        identity=measure("identity", True) if several else None,
        colour=measure("colour", True) if has_colour else None,
        direction=measure("direction", True),
        all_correct=measure("all_correct", True),
        frame_identity=measure("frame_identity", False) if several else None,
        persistence=measure("persistence", True) if several else None,
        blank=measure("blank", False),
        speed_error=measure("speed_error", False) if "speed_error" in value else None,
        area=measure("area", True) if "area" in value else None,
        area_error=measure("area_error", False) if "area" in value else None,
    )


def _shares(findings: Findings, where: Tensor) -> dict[str, float]:
    """Means by name; a mean of nothing (NaN) is left out."""
    columns = {
        "identity": findings.correct[:, 0],
        "colour": findings.correct[:, 1],
        "direction": findings.correct[:, 2],
        "all_correct": findings.all_correct,
        "frame_identity": findings.frame_identity,
        "persistence": findings.persistent,
        "blank": findings.blank,
        "speed_error": findings.speed_error,
    }
    if findings.area_error is not None:
        columns["area"] = (findings.area_error <= TOLERANCE).all(1)
        columns["area_error"] = findings.area_error.mean(1)
    means = {name: column[where].float().nanmean().item() for name, column in columns.items()}
    return {name: mean for name, mean in means.items() if not math.isnan(mean)}


def verdicts(
    findings: Findings, asked: list[Asked], seeds: list[int], names: tuple[str, ...]
) -> tuple[ClipVerdict, ...]:
    """One line per clip: what was asked, what was found."""
    rows = zip(asked, seeds, findings.labels.tolist(), findings.correct.tolist(), strict=True)
    return tuple(
        ClipVerdict(
            prompt=question.prompt,
            seed=seed,
            held_out=question.combination.held_out,
            identity=correct[0],
            colour=correct[1],
            direction=correct[2],
            seen_identity=_name(names, label[0]),
            seen_colour=_name(COLOURS, label[1]),
            seen_direction=_name(DIRECTIONS, label[2]),
        )
        for question, seed, label, correct in rows
    )


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index] if index >= 0 else "none"


def wilson(successes: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Ends of Wilson's score interval for a share; (0, 1) when nothing was counted."""
    if count == 0:
        return 0.0, 1.0
    share = successes / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, centre - half), min(1.0, centre + half)
