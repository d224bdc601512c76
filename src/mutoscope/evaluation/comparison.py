"""Models side by side: the same questions to all of them, and the numbers as records."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from ..data.config import SpriteConfig
from .adherence import Findings, examine, summarise
from .asking import Generate, ask, video_seeds
from .judge import Judge, load_or_train_judge
from .prompts import Asked, prompts, real_clips
from .reconstruction import psnr
from .result import Adherence, Measured

FEWEST_FRAMES = 4  # shorter clips have no motion to judge
PIXEL_CLIPS = 48  # clips that PSNR looks at


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Record):
    """One optimisation of an entry."""

    steps: int
    seconds: float
    examples: int
    """Clips seen."""
    flops_per_example: float
    """Operations of loss and gradients for one clip."""
    flops_per_step: float
    losses: tuple[tuple[float, float], ...]
    """(seconds since the stage began, loss)."""


class QualityPoint(_Record):
    """A snapshot on the way: how good the model was after so many seconds of training, all stages counted."""

    step: int
    seconds: float
    all_correct: Measured


class StepsPoint(_Record):
    """The finished model with another number of sampling steps."""

    steps: int
    all_correct: Measured


class Entry(_Record):
    """Everything measured about one model."""

    name: str
    """The recipe and its options, as typed."""
    command: str
    """What trains the same model again."""
    parameters: dict[str, int]
    """By part: vae, text, denoiser."""
    stages: dict[str, Stage]
    """Keys: vae, where it is trained, and diffusion."""
    encode_seconds: float
    """Of encoding the cached clips, as measured before training; 0 where nothing is encoded."""
    peak_memory_mb: float
    ms_per_video: Measured
    """Median of repeated batches; low and high are the fastest and the slowest of them."""
    sampling_steps: int
    adherence: Adherence
    vae_psnr: float | None
    quality: tuple[QualityPoint, ...]
    by_steps: tuple[StepsPoint, ...]

    @property
    def seconds(self) -> float:
        """Training of all stages, encoding included."""
        return self.encode_seconds + sum(stage.seconds for stage in self.stages.values())


class Failure(_Record):
    """An entry that could not be trained, and its last words."""

    name: str
    command: str
    reason: str


class Comparison(_Record):
    """Everything `compare` measured: compare.json."""

    budget: str
    """In words."""
    num_prompts: int
    few_prompts: int
    """For the curves."""
    seed: int
    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Exam:
    """The same questions and seeds for every model, the judge, and what the judge finds in real clips."""

    config: SpriteConfig
    asked: list[Asked]
    seed: int
    judge: Judge
    real: Float[Tensor, "n c F H W"]
    on_real: Findings

    def grade(self, generate: Generate) -> tuple[Adherence, Float[Tensor, "n c F H W"]]:
        """Shares with their ceilings, and the videos they are about."""
        frames = ask(generate, self.asked, video_seeds(len(self.asked), self.seed), self.config)
        found = examine(frames, self.asked, self.config, self.judge)
        return summarise(found, has_colour=bool(self.config.colours), ceiling=self.on_real), frames

    @torch.no_grad()
    def psnr(self, reconstruct: Callable[[Tensor], Tensor]) -> float:
        """Mean dB per frame of an autoencoder on real clips."""
        few = self.real[:PIXEL_CLIPS]
        return psnr(reconstruct(few).float().cpu().clamp(-1, 1), few).mean().item()


def check_motion(config: SpriteConfig) -> None:
    """Refuse clips that are too short to have a motion."""
    if config.num_frames < FEWEST_FRAMES:
        raise ValueError(
            f"data.num_frames={config.num_frames} has no motion to measure; use {FEWEST_FRAMES} or more frames."
        )


def prepare_exam(config: SpriteConfig, num_prompts: int, seed: int, cache: Path | None) -> Exam:
    """`num_prompts` questions and what real clips score in them; cache: folder in which the judge is kept."""
    check_motion(config)
    judge = load_or_train_judge(config, cache)
    asked = prompts(config, num_prompts, seed)
    real = real_clips(config, asked, seed=1 + 2 * seed)
    return Exam(config, asked, seed, judge, real, examine(real, asked, config, judge))


def time_per_video(generate: Generate, asked: list[str], repeats: int = 3) -> Measured:
    """Milliseconds per video of one batch: median, fastest, slowest; one call more warms up."""
    generate(asked, list(range(len(asked))))
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        generate(asked, list(range(len(asked))))
        times.append(1000 * (time.perf_counter() - begun) / len(asked))
    return Measured(value=statistics.median(times), low=min(times), high=max(times), count=repeats)


def seconds_at(step: int, rows: list[tuple[int, float]]) -> float:
    """Seconds of training at a step, between logged (step, seconds) rows on a straight line; 0 s at step 0."""
    before = (0, 0.0)
    for after in rows:
        if after[0] >= step:
            share = (step - before[0]) / max(1, after[0] - before[0])
            return before[1] + share * (after[1] - before[1])
        before = after
    return before[1]
