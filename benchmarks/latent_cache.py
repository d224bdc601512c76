"""How long a training step waits for its latents, as a share of the step; target: under 2 %.

Command: python benchmarks/latent_cache.py [--recipe demo] [--clips 2048] [--rounds 25]

The recipe's own diffusion stage (model, batch, precision) trains from a cache in a temporary folder, in turns held in
memory as small caches are, and read row by row from the files as large ones are. The rows are in training's shuffled
order. Files have just been written, so they come from the system's page cache: on a cold disk the wait is the disk's.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from timing import figure, options, parsed, ratios, write

from mutoscope.data import cache
from mutoscope.data.cache import LatentCache, encode_latents
from mutoscope.data.sprites import SpriteClips
from mutoscope.recipes import RECIPES
from mutoscope.training.captions import prepare_captions
from mutoscope.training.diffusion_task import DiffusionTask
from mutoscope.training.run import build_model
from mutoscope.training.state import start
from mutoscope.training.trainer import train_step

TARGET = 2.0  # per cent


class Timed(LatentCache):
    """A cache that adds up how long it was asked."""

    seconds = 0.0

    def __getitem__(self, rows: torch.Tensor) -> torch.Tensor:
        begun = time.perf_counter()
        found = super().__getitem__(rows)
        self.seconds += time.perf_counter() - begun
        return found

    def shapes(self, rows: Sequence[int]) -> list[tuple[int, int, int, int]]:
        begun = time.perf_counter()
        found = super().shapes(rows)
        self.seconds += time.perf_counter() - begun
        return found


def main() -> None:
    parser = options(__doc__, rounds=25, clips=2048)
    parser.add_argument("--recipe", choices=RECIPES, default="demo")
    given = parsed(parser)
    if given.quick:
        given.recipe, given.clips = "smoke", 64
    config = RECIPES[given.recipe]()
    clips = SpriteClips(config.data, "train", config.seed)
    model = build_model(config, clips)
    captions = prepare_captions(model, clips.captions(range(given.clips)))
    with tempfile.TemporaryDirectory() as folder:
        caches, cache.LatentCache = {}, Timed
        for name, cache.HELD_BYTES in (("held in memory", 2**40), ("read from files", 0)):
            caches[name] = encode_latents(model.encode, clips, given.clips, Path(folder) / "latents", "key")
        stages = {}
        for name, latents in caches.items():
            task = DiffusionTask(model, latents, captions, config.diffusion, config.seed)
            stages[name] = task, start(task, config.training, Path(folder) / name)
            train_step(*stages[name], config.training)  # kernels are built at the first call
        waits: dict[str, list[float]] = {name: [] for name in caches}
        steps: dict[str, list[float]] = {name: [] for name in caches}
        for _ in range(given.rounds):
            for name, (task, state) in stages.items():
                caches[name].seconds, begun = 0.0, time.perf_counter()
                train_step(task, state, config.training)
                steps[name].append(1000 * (time.perf_counter() - begun))
                waits[name].append(1000 * caches[name].seconds)
        size = sum(file.stat().st_size for file in (Path(folder) / "latents").iterdir())
    batch = config.training.batch_size * config.training.grad_accum
    note = f"{given.recipe}: {given.clips} clips, {size / 2**20:.1f} MiB, {batch} rows a step"
    figures = []
    for name in caches:
        figures.append(figure(f"{name}: wait, ms", waits[name]))
        figures.append(figure(f"{name}: step, ms", steps[name]))
        shares = [100 * share for share in ratios(waits[name], steps[name])]
        figures.append(figure(f"{name}: wait / step, %", shares, TARGET, True))
    write(given.out, "Waiting for cached latents", "python benchmarks/latent_cache.py", [note], figures)


if __name__ == "__main__":
    main()
