"""The ten-minute recipe behind `make demo`."""

from ..denoisers.config import DiTConfig
from ..samplers.config import SamplingConfig
from ..text.config import TextConfig
from ..training.config import RunConfig, StageConfig

PROMPTS = (
    "a red 7 moving left",
    "a blue 3 moving up",
    "a green 0 moving down and right",
    "a yellow 4 moving right slowly",
    "a magenta 8 moving up and left quickly",
    "a white 5 moving down",
)


def demo() -> RunConfig:
    """Text to moving digits in minutes.

    Command: mutoscope train demo --out runs/demo (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), idle, torch 2.13
    Time: 8.1 minutes, of which VAE 1.1 and diffusion 6.5; 1.0 GB of memory
    Size: VAE 0.99 M, denoiser 5.58 M, text encoder 0.21 M parameters
    Measured (240 prompts): 80.8 % all correct (ceiling 99.6 %), never-seen combinations 82.1 %; VAE 29.1 dB PSNR
    """
    return RunConfig(
        text=TextConfig(depth=1),
        # Wide and shallow: larger products keep the processor busier than more of them (docs/log.md).
        denoiser=DiTConfig(model_dim=256, num_heads=4, depth=4, mlp_ratio=3.5),
        sampling=SamplingConfig(steps=12, guidance_scale=5.0),
        vae_training=StageConfig(steps=600, batch_size=4),
        training=StageConfig(steps=900, batch_size=32),
        cached_clips=4096,
        sample_prompts=PROMPTS,
        sample_every=450,
    )
