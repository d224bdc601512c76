"""Time and quality of sampling with a model, by sampler and steps.

Command: python benchmarks/sampling.py [--model RUN] [--prompts 120]

Prints, per row, seconds for a batch of 16 videos (min / median / max of several) and all-correct adherence on seen and
never-seen combinations, beside the ceiling: the same judge on real clips.
"""

import argparse
import statistics
import time

import torch

from mutoscope.data.config import SpriteConfig
from mutoscope.evaluation.adherence import examine, summarise
from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.prompts import prompts, real_clips
from mutoscope.pipeline import GenerateRequest, Pipeline, generate

ROWS = [
    ("euler", 8),
    ("euler", 16),
    ("euler", 32),
    ("heun", 8),
    ("heun", 16),
    ("dpmpp_2m", 4),
    ("dpmpp_2m", 8),
    ("dpmpp_2m", 12),
    ("dpmpp_2m", 16),
    ("dpmpp_2m", 32),
]
BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=None, help="run folder; none = the model inside the package")
    parser.add_argument("--prompts", type=int, default=120)
    arguments = parser.parse_args()
    pipeline, data = Pipeline.load(arguments.model), SpriteConfig()
    model, default = pipeline.model, pipeline.model.config.sampling
    asked, judge = prompts(data, arguments.prompts, 0), train_judge(data)
    held_out = torch.tensor([question.combination.held_out for question in asked])
    ceiling = summarise(examine(real_clips(data, asked, seed=1), asked, data, judge), has_colour=True)
    print(f"judge: {judge.accuracy:.4f} on unseen drawings; ceiling {ceiling.all_correct.value:.3f}")
    print(f"default: {default.sampler}, {default.steps} steps, guidance {default.guidance_scale}; {model.dtype}")
    print("| sampler | steps | guided calls | 16 videos, s (min / median / max) | all correct, seen | never seen |")
    print("|---|---|---|---|---|---|")
    for sampler, steps in ROWS:
        settings = default.model_copy(update={"sampler": sampler, "steps": steps})
        videos, seconds = [], []
        for first in range(0, len(asked), BATCH):
            part = asked[first : first + BATCH]
            request = GenerateRequest(
                prompts=tuple(question.prompt for question in part),
                seeds=tuple(range(first, first + len(part))),
                sampling=settings,
            )
            begun = time.perf_counter()
            videos.append(generate(model, request))
            if len(part) == BATCH:
                seconds.append(time.perf_counter() - begun)
        found = examine(torch.cat(videos), asked, data, judge)
        seen, never = (summarise(found, has_colour=True, where=w).all_correct for w in (~held_out, held_out))
        calls = 2 * steps - 1 if sampler == "heun" else steps
        timing = " / ".join(f"{f(seconds):.2f}" for f in (min, statistics.median, max))
        print(f"| {sampler} | {steps} | {calls} | {timing} | {seen.value:.3f} | {never.value:.3f} |", flush=True)


if __name__ == "__main__":
    main()
