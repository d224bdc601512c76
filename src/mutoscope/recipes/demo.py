"""The ten-minute recipe behind `make demo`."""

from ..denoisers.config import DiTConfig, UNetConfig
from ..diffusion.config import DiffusionConfig
from ..samplers.config import SamplingConfig
from ..text.config import PretrainedTextConfig, TextConfig
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
    Time: 8.1 minutes, of which VAE 1.1 and diffusion 6.5 (Zen 5: 3.7, 0.5 and 3.2); 1.0 GB of memory
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
        sample_every=100,
    )


def demo_long() -> RunConfig:
    """The demo for videos of any length: also goes on from given frames, and fills in between two.

    Command: mutoscope train demo_long --out runs/demo_long (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), idle, torch 2.13
    Time: 14.6 minutes while tests ran beside it; 1.0 GB of memory
    Size: VAE 0.99 M, denoiser 5.58 M, text encoder 0.21 M parameters
    Measured (benchmarks/long_video.py, 120 bouncing digits of 65 frames): of those with the right digit and colour in
        the first 16 frames 96.3 % have them in the last 16, too
    """
    short = demo()
    longer = {
        # Sprites that reach the edge are what a long video shows after its first seconds.
        "data": short.data.model_copy(update={"bounce_share": 0.2}),
        "diffusion": DiffusionConfig(sorted_share=0.2, prefix_share=0.3, between_share=0.05),
        "training": short.training.model_copy(update={"steps": 1500}),  # 45 % of it is the demo's task
        "sample_every": 150,
    }
    return short.model_copy(update=longer)


def demo_minilm() -> RunConfig:
    """The demo with a frozen MiniLM, which knows words that no caption of training holds.

    Command: mutoscope train demo_minilm --out runs/demo_minilm (seed 0)
    Needs: pip install 'mutoscope[minilm]'
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), torch 2.13
    Time: 11.6 minutes, tests beside it for half of them; 1.1 GB of memory
    Size: VAE 0.99 M, denoiser 5.58 M, text encoder 0.05 M parameters trained, 22.6 M frozen
    Measured (benchmarks/paraphrases.py, 240 prompts each): all correct 74 % in phrasings of training (the demo 82 %),
        60 % in new sentences (30 %), 8 % with new words (0 %); ceiling 100 %
    """
    return demo().model_copy(update={"text": PretrainedTextConfig()})


def demo_unet() -> RunConfig:
    """The demo with a convolutional U-Net in place of the Diffusion Transformer, to compare them.

    Command: mutoscope train demo_unet --out runs/demo_unet (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), idle, torch 2.13
    Time: not measured by itself
    Measured: docs/experiments.md, against the transformer at equal time
    """
    return demo().model_copy(update={"denoiser": UNetConfig(mixing="conv2d_1d", widths=(96, 192))})
