"""How close a training step of the demo's DiT comes to the matmul rate of the same minute.

Command: python benchmarks/train_step.py [--rounds 25]

Each round times forward + backward alone, then one whole optimizer step (noise, forward, backward, clipping, Muon and
AdamW, averaging), with a bf16 1024^3 matmul before, between and after; ratios are formed per round, because the
machine's speed drifts. FLOPs are those of the matrix products that torch counts. Three ratios, from kind to strict:

* forward + backward, the model's products: what "65 % for a tuned sketch, 37 % for a naive one" was measured on;
* the whole step, all its products, Muon's orthogonalisations included: how busy the step keeps the processor;
* the whole step, the model's products only: the optimizer's time counts as lost.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.data.sprites import SpriteClips
from mutoscope.recipes.demo import demo
from mutoscope.training.captions import prepare_captions
from mutoscope.training.diffusion_task import DiffusionTask
from mutoscope.training.run import build_model
from mutoscope.training.state import start
from mutoscope.training.trainer import train_step

SIZE = 1024


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def flops_of(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def spread(values: list[float]) -> str:
    return f"min {min(values):8.3f}  median {statistics.median(values):8.3f}  max {max(values):8.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    config = demo()
    clips = SpriteClips(config.data, "train", config.seed)
    model = build_model(config, clips)
    shape = (512, *model.latent_shape(config.data.num_frames))
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    captions = prepare_captions(model, clips.captions(range(512)))
    task = DiffusionTask(model, latents, captions, config.diffusion, config.seed)
    with tempfile.TemporaryDirectory() as folder:
        state = start(task, config.training, Path(folder))
    square = torch.ones(SIZE, SIZE, dtype=torch.bfloat16)

    def both_passes() -> None:
        task.loss(state.compute.modules, range(config.training.batch_size)).mean().backward()

    def step() -> None:
        train_step(task, state, config.training)

    def matmul_rate() -> float:
        return 2 * SIZE**3 / seconds_of(lambda: square @ square)

    for warm_up in (both_passes, step, step, matmul_rate):  # kernels are built at the first calls
        warm_up()
    model_flops, step_flops = flops_of(both_passes), flops_of(step)
    columns: dict[str, list[float]] = {}
    for _ in range(rounds):
        rates = [matmul_rate()]
        passes = seconds_of(both_passes)
        rates.append(matmul_rate())
        whole = seconds_of(step)
        rates.append(matmul_rate())
        row = {
            "bf16 matmul, GFLOP/s": statistics.mean(rates) / 1e9,
            "forward + backward, s": passes,
            "whole step, s": whole,
            "forward + backward / matmul rate": model_flops / passes / statistics.mean(rates[:2]),
            "whole step, all products / matmul rate": step_flops / whole / statistics.mean(rates[1:]),
            "whole step, model's products / matmul rate": model_flops / whole / statistics.mean(rates[1:]),
        }
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    dtype = str(state.dtype).removeprefix("torch.")
    print(f"{torch.get_num_threads()} threads, {dtype}, batch {config.training.batch_size}")
    print(f"{model_flops / 1e9:.1f} GFLOP forward + backward, {step_flops / 1e9:.1f} in the step; ceiling 1")
    for name, values in columns.items():
        print(f"{name:<44}{spread(values)}")


if __name__ == "__main__":
    main()
