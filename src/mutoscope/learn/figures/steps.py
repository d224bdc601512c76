"""Number of steps.

All of these begin with the same noise and follow the same arrows; more steps only follow them more closely. With one
step there is one guess, and at t = 1 a guess is an average. Look for the number from which on you see no difference:
every step beyond it is wasted time.
"""

import time

import numpy as np
import torch

from ...evaluation.reconstruction import psnr
from ...pipeline import Pipeline
from ...video.pixels import to_frames
from ..figure import Asked, Drawn, Position, Tell

SLIDER = "steps"
ASKS = "prompt"
READ = ("3_latents_and_text", "From noise to a clip, in steps")
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 50)
EXACT = 100
"""As many as show where the path leads."""
VIDEOS = 3


def draw(pipeline: Pipeline, asked: Asked, tell: Tell) -> Drawn:
    """Videos of the prompt with every number of steps, and how far each is from those with EXACT steps."""
    seeds = [asked.number + k for k in range(VIDEOS)]
    pipeline.model.reader.check([asked.prompt])
    whole, done = sum(STEPS) + EXACT, 0

    def made(steps: int) -> tuple[list[np.ndarray], float]:
        nonlocal done
        begun = time.perf_counter()
        videos = pipeline.generate_many([asked.prompt] * VIDEOS, seeds, sampling=pipeline.sampling(steps))
        done += steps
        tell(done, whole)
        return videos, time.perf_counter() - begun

    tried = [made(steps) for steps in STEPS]
    exact = torch.stack([to_frames(video) for video in made(EXACT)[0]])
    positions = []
    for steps, (videos, seconds) in zip(STEPS, tried, strict=True):
        near = float(psnr(torch.stack([to_frames(video) for video in videos]), exact).mean())
        positions.append(
            Position(
                str(steps),
                f"{seconds:.2f} s for all {VIDEOS}. {near:.1f} dB PSNR against those of {EXACT} steps: more is nearer.",
                tuple(videos),
            )
        )
    captions = tuple(f"“{asked.prompt}”, seed {seed}" for seed in seeds)
    own = pipeline.model.config.sampling.steps
    return Drawn(captions, pipeline.model.config.fps, tuple(positions), begin=STEPS.index(own))
