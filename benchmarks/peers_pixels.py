"""Minutes of a laptop: ours in latents against video-diffusion-pytorch, which works on pixels, at equal clips and time.

Command: python benchmarks/peers_pixels.py [--rounds 3]
Needs:   pip install --no-deps video-diffusion-pytorch einops-exts rotary-embedding-torch

Its U-Net (Ho et al. 2022, arXiv:2204.03458) at about the parameters of the demo's denoiser, told digit, colour and
direction as a vector, trained as its own `Trainer` does: l1, Adam. Ours is the demo's
training step. What a budget buys is clips seen; sampling is one video: ours as `mutoscope generate` makes it, theirs
one call of the network times the 1,000 steps, two calls each, that its sampler takes.
"""

import importlib.util
import sys
from collections.abc import Callable
from statistics import median
from types import ModuleType, SimpleNamespace

import torch
from shapes import millions, prepared, sizes
from timing import arguments, figure, in_turns, ratios, write

from mutoscope.pipeline import Pipeline
from mutoscope.training.config import RunConfig
from mutoscope.training.trainer import train_step

TITLE, COMMAND = "Against video diffusion in pixels", "python benchmarks/peers_pixels.py"
PACKAGE, STEPS, CONDITION, BATCH = "video_diffusion_pytorch", 1000, 26, 4
INSTALL = "pip install --no-deps video-diffusion-pytorch einops-exts rotary-embedding-torch"


def theirs(config: RunConfig, dim: int) -> tuple[torch.nn.Module, Callable[[], object], Callable[[], object]]:
    """Its network, a training step and a call."""
    # It imports torchvision for its folder of gifs alone, which nothing here reads.
    stand_in = ModuleType("torchvision")
    stand_in.transforms, stand_in.utils = SimpleNamespace(ToTensor=lambda: None), None  # pyright: ignore
    sys.modules.setdefault("torchvision", stand_in)
    from video_diffusion_pytorch import GaussianDiffusion, Unet3D  # pyright: ignore

    frames, size = config.data.num_frames, config.data.height
    network = Unet3D(dim=dim, dim_mults=(1, 2, 4), cond_dim=CONDITION)
    diffusion = GaussianDiffusion(network, image_size=size, num_frames=frames, timesteps=STEPS)
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=1e-4)
    clip, told = torch.rand(BATCH, 3, frames, size, size), torch.rand(BATCH, CONDITION)

    def step() -> None:
        diffusion(clip, cond=told).backward()
        optimizer.step()
        optimizer.zero_grad()

    def call() -> None:
        with torch.inference_mode():
            network(clip, torch.zeros(BATCH, dtype=torch.long), cond=told)

    return network, step, call


def measure(config: RunConfig, rounds: int, dim: int) -> tuple[list[str], list[dict]]:
    _, task, state = prepared(config)
    pipeline, batch = Pipeline.load(), config.training.batch_size
    network, step, call = theirs(config, dim)
    seconds = in_turns(
        {
            "ours, step": lambda: train_step(task, state, config.training),
            "ours, video": lambda: pipeline.generate("a red 7 moving left"),
            "theirs, step": step,
            "theirs, call": call,
        },
        rounds,
    )
    ours, peer = ([n / s for s in seconds[f"{who}, step"]] for who, n in (("ours", batch), ("theirs", BATCH)))
    video = [2 * STEPS * s / BATCH for s in seconds["theirs, call"]]
    clips = config.training.steps * batch
    notes = [
        f"clips of {config.data.num_frames} frames, {config.data.height} x {config.data.width}; ours "
        f"{millions(state.compute.masters)}, batch {batch}, in the latents of a VAE whose training is a seventh of the "
        f"demo's; video-diffusion-pytorch 0.7.0 {millions(network)}, batch {BATCH}, float32",
        f"while the demo sees its {clips:,} clips it would see {clips * median(peer) / median(ours):,.0f}: too few for "
        "any picture, so no quality is compared",
    ]
    return notes, [
        figure("training: ours, clips/s", ours),
        figure("training: video-diffusion-pytorch, clips/s", peer),
        figure("training: ours / video-diffusion-pytorch", ratios(ours, peer)),
        figure("a video: ours, 12 guided steps, s", seconds["ours, video"]),
        figure("a video: video-diffusion-pytorch, 1,000 guided steps, s (from one call)", video),
    ]


def main() -> None:
    given = arguments(__doc__, rounds=3)
    torch.manual_seed(0)
    if importlib.util.find_spec(PACKAGE) is None:
        write(given.out, TITLE, COMMAND, [f"not measured: video-diffusion-pytorch is not installed ({INSTALL})"], [])
        return
    config = next(iter(sizes(given.quick).values()))
    write(given.out, TITLE, COMMAND, *measure(config, given.rounds, dim=8 if given.quick else 32))


if __name__ == "__main__":
    main()
