"""What the tutorial's notebook lacked, taken from chapter 3's model one at a time; docs/experiments.md has its table.

Command: python benchmarks/causes.py [--seeds 3] [--out runs/causes]
Needs:   about 40 s for each of the eight ways and each seed on two cores; what is there already is not trained again.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from unittest.mock import patch

import torch

import mutoscope
from mutoscope.denoisers import dit
from mutoscope.denoisers.blocks import modulate, normalise
from mutoscope.evaluation.comparison import prepare_exam
from mutoscope.pipeline import GenerateRequest, Pipeline, generate
from mutoscope.recipes.disc import disc_dit
from mutoscope.training import run as training
from mutoscope.training.config import RunConfig

PROMPTS = 120


def chapter() -> RunConfig:
    """What chapter 3 trains."""
    recipe = disc_dit()
    stages = {"vae_training": 250, "training": 450}
    changes = {name: getattr(recipe, name).model_copy(update={"steps": steps}) for name, steps in stages.items()}
    return recipe.model_copy(update={"vae": recipe.vae.model_copy(update={"temporal_stride": 4}), **changes})


def ungated(self, x, condition, context, table, mask):
    """A block of the transformer that adds what it computes as it is."""
    shift, scale, _, shift_ff, scale_ff, _ = self.modulation(condition)[:, :, None].chunk(6, dim=-1)
    x = x + self.self_attention(modulate(x, shift, scale), table, mask)
    if self.cross_attention is not None and context is not None:
        x = x + self.cross_attention(normalise(x), context)
    return x + self.feed_forward(modulate(x, shift_ff, scale_ff))


def at(config: RunConfig, part: str, **values: object) -> RunConfig:
    """The configuration with some settings of one part changed."""
    return config.model_copy(update={part: getattr(config, part).model_copy(update=values)})


@dataclass(frozen=True)
class Way:
    """One thing undone."""

    name: str
    change: Callable[[RunConfig], RunConfig] = lambda config: config
    normalised: bool = True
    gated: bool = True


def evenly(config: RunConfig) -> RunConfig:
    return at(config, "diffusion", timestep_mean=0.0, timestep_std=1.0, shift=1.0)


def last_weights(config: RunConfig) -> RunConfig:
    return at(at(config, "training", ema_decay=0.0), "vae_training", ema_decay=0.0)


def every_frame(config: RunConfig) -> RunConfig:
    return at(config, "vae", temporal_stride=1, memory=False)


def noise_asked(config: RunConfig) -> RunConfig:
    return at(config, "diffusion", path="ddpm", prediction="epsilon")


WAYS = (
    Way("nothing"),
    Way("the latents' normalisation", normalised=False),
    Way("the gates of the blocks", gated=False),
    Way("averaged weights: the last ones", last_weights),
    Way("times close to noise: mean 0, deviation 1, no shift", evenly),
    Way("motion inside the latents: a latent frame for every frame", every_frame),
    Way("velocity on the straight path: epsilon on a table of 500", noise_asked),
    Way(
        "all of these at once",
        lambda config: noise_asked(every_frame(last_weights(evenly(config)))),
        normalised=False,
        gated=False,
    ),
)


@contextmanager
def undone(way: Way) -> Iterator[None]:
    """What no setting turns off."""
    statistics = training.measure_statistics if way.normalised else lambda vae, clips: None
    forward = dit.Block.forward if way.gated else ungated
    with patch.object(training, "measure_statistics", statistics), patch.object(dit.Block, "forward", forward):
        yield


def measured(way: Way, seed: int, folder: Path) -> dict[str, float]:
    """Train, or take what is there; shares of 120 videos, and the deviation of the latents."""
    found = folder / "found.json"
    if found.is_file():
        return json.loads(found.read_text())
    config = way.change(chapter()).model_copy(update={"seed": seed})
    with undone(way):
        pipe = Pipeline.load(mutoscope.train(config, folder), dtype=torch.float32)
        exam = prepare_exam(config.data, num_prompts=PROMPTS, seed=0, cache=folder.parent)

        def grade(**settings: float) -> dict[str, float]:
            def make(prompts, seeds):
                sampling = pipe.sampling(**settings)
                request = GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), sampling=sampling)
                return generate(pipe.model, request)

            marks = exam.grade(make)[0]
            return {"direction": 100 * marks.direction.value, "area": 100 * marks.area.value}

        told = grade() | {f"plain_{name}": value for name, value in grade(guidance_scale=1.0).items()}
        told["latent_std"] = pipe.model.encode(exam.real[:64]).std().item()
    found.write_text(json.dumps(told))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/causes"))
    given = parser.parse_args()
    print("| taken away | direction right | area right | direction right without guidance | deviation of the latents |")
    print("|---|---|---|---|---|")
    for number, way in enumerate(WAYS):
        folders = [given.out / f"{number}-{seed}" for seed in range(given.seeds)]
        found = [measured(way, seed, folder) for seed, folder in enumerate(folders)]
        columns = {name: [one[name] for one in found] for name in found[0]}
        shares = [shown(columns[name]) for name in ("direction", "area", "plain_direction")]
        print(f"| {way.name} | {' | '.join(shares)} | {median(columns['latent_std']):.2f} |", flush=True)


def shown(values: list[float]) -> str:
    """Median and range over the trainings."""
    return f"{median(values):.0f} % ({min(values):.0f} to {max(values):.0f})"


if __name__ == "__main__":
    main()
