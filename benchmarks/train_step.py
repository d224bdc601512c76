"""How close a training step of the demo's DiT comes to the matmul rate of the same minute.

Command: python benchmarks/train_step.py [--rounds 15]

Each round times one whole optimizer step (forward, backward, clipping, Muon and AdamW, EMA) and, right before and after
it, a bf16 1024^3 matmul; the ratio is formed per round, because the machine's speed drifts. FLOPs of a step count the
matrix products of forward and backward only (3 x forward), not the optimizer's: it is time that is not training.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.data.sprites import SpriteClips
from mutoscope.recipes.demo import demo
from mutoscope.training.run import build_model
from mutoscope.training.tasks import DiffusionTask
from mutoscope.training.trainer import start, train_step

SIZE = 1024


def matmul_rate(dtype: torch.dtype) -> float:
    """FLOP/s of one square matmul."""
    a = torch.ones(SIZE, SIZE, dtype=dtype)
    begun = time.perf_counter()
    a @ a
    return 2 * SIZE**3 / (time.perf_counter() - begun)


def spread(values: list[float]) -> str:
    return f"min {min(values):.3g}  median {statistics.median(values):.3g}  max {max(values):.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    config = demo()
    clips = SpriteClips(config.data, "train", config.seed)
    model = build_model(config, clips)
    shape = (512, *model.latent_shape(config.data.num_frames))
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    task = DiffusionTask(
        model, latents, *model.tokenizer.encode(clips.captions(range(512))), config.diffusion, config.seed
    )
    with tempfile.TemporaryDirectory() as folder:
        state = start(task, config.training, Path(folder))
    with FlopCounterMode(display=False) as counter:
        task.loss(state.compute.modules, range(config.training.batch_size)).mean().backward()
    flops = counter.get_total_flops()
    for _ in range(3):  # kernels are built at the first calls
        train_step(task, state, config.training)
        matmul_rate(torch.bfloat16)

    seconds, rates, ratios, ratios32 = [], [], [], []
    for _ in range(rounds):
        before = matmul_rate(torch.bfloat16)
        begun = time.perf_counter()
        train_step(task, state, config.training)
        seconds.append(time.perf_counter() - begun)
        rates.append((before + matmul_rate(torch.bfloat16)) / 2)
        ratios.append(flops / seconds[-1] / rates[-1])
        ratios32.append(flops / seconds[-1] / matmul_rate(torch.float32))
    print(
        f"threads {torch.get_num_threads()}, step in {str(state.dtype).removeprefix('torch.')}, {flops / 1e9:.1f} GFLOP"
    )
    print(f"step, s                      {spread(seconds)}")
    print(f"step, GFLOP/s                {spread([flops / s / 1e9 for s in seconds])}")
    print(f"bf16 matmul, GFLOP/s         {spread([r / 1e9 for r in rates])}")
    print(f"step / bf16 matmul rate      {spread(ratios)}   (ceiling 1)")
    print(f"step / float32 matmul rate   {spread(ratios32)}")


if __name__ == "__main__":
    main()
