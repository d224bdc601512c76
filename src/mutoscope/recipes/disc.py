"""The tutorial series' four architectures, on its own set: 512 clips of a grey disc that moves in four directions.

They share everything but the space and the network, so that a comparison is one of architectures. All four take at
most four minutes on two cores, VAE included: what the tutorial's VAE and DiT took.
"""

from ..data.config import disc
from ..denoisers.config import DiTConfig, UNetConfig
from ..diffusion.config import DiffusionConfig
from ..samplers.config import SamplingConfig
from ..text.config import TextConfig
from ..training.config import RunConfig, StageConfig
from ..vae.config import PixelConfig, VAEConfig

PROMPTS = ("a disc moving left", "a disc moving right", "a disc moving up", "a disc moving down")


def _pixels() -> RunConfig:
    """What the two without a VAE share.

    A disc is recognised through a lot of noise, so its direction is decided close to t = 1, and the closer the more
    numbers show it: times are drawn and sampled there (docs/log.md).
    """
    return RunConfig(
        data=disc(),
        vae=PixelConfig(channels=1),
        text=TextConfig(model_dim=64, num_heads=2, depth=1),
        diffusion=DiffusionConfig(timestep_mean=2.0, timestep_std=1.5, shift=8.0),
        sampling=SamplingConfig(steps=16, guidance_scale=2.0),
        cached_clips=512,
        sample_prompts=PROMPTS,
        sample_every=150,
    )


def _latents() -> RunConfig:
    """The same behind a VAE that makes 4 latent frames of 8."""
    vae = VAEConfig(channels=1, latent_channels=4, temporal_stride=2, first_frame_alone=False, width=48, depth=1)
    changes = {
        "vae": vae,
        "vae_training": StageConfig(steps=300, batch_size=8),
        "diffusion": DiffusionConfig(timestep_mean=1.0, timestep_std=1.2, shift=3.0),
    }
    return _pixels().model_copy(update=changes)


def disc_conv3d() -> RunConfig:
    """Part 1 of the tutorial: a U-Net of 3-D convolutions on pixels.

    Command: mutoscope train disc_conv3d --out runs/disc_conv3d (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), idle, torch 2.13
    Time: 3.4 minutes; 0.5 GB of memory; 1.58 M parameters
    Measured (100 prompts): direction 98 %, area right in every frame 98 % (ceilings 100 %)
    """
    changes = {
        "denoiser": UNetConfig(mixing="conv3d", patch=(1, 4, 4), widths=(48, 96)),
        "training": StageConfig(steps=1000, batch_size=16),
    }
    return _pixels().model_copy(update=changes)


def disc_attention() -> RunConfig:
    """Part 2: a U-Net on pixels that attends within frames, then over time.

    Command: mutoscope train disc_attention --out runs/disc_attention (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), idle, torch 2.13
    Time: 3.0 minutes; 0.5 GB of memory; 1.61 M parameters
    Measured (100 prompts): direction 100 %, area right in every frame 100 % (ceilings 100 %)
    """
    shared = _pixels()
    changes = {
        # Four frames in one place: motion inside them need not be agreed on by attention over time.
        "denoiser": UNetConfig(mixing="attention", patch=(4, 4, 4), widths=(64, 128), num_heads=2),
        "diffusion": shared.diffusion.model_copy(update={"prediction": "x0"}),
        "training": StageConfig(steps=1600, batch_size=16),
    }
    return shared.model_copy(update=changes)


def disc_unet() -> RunConfig:
    """Part 3, first half: a video VAE and a U-Net in its latents.

    Command: mutoscope train disc_unet --out runs/disc_unet (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), idle, torch 2.13
    Time: 2.7 minutes, of which VAE 0.3; 0.6 GB of memory; 1.79 M parameters
    Measured (100 prompts, given 2.4 minutes): direction 100 %, area right in every frame 96 % (ceilings 100 %)
    """
    changes = {
        "denoiser": UNetConfig(mixing="conv2d_1d", widths=(64, 128)),
        "training": StageConfig(steps=800, batch_size=32),
    }
    return _latents().model_copy(update=changes)


def disc_dit() -> RunConfig:
    """Part 3, second half: the same video VAE and a Diffusion Transformer in its latents.

    Command: mutoscope train disc_dit --out runs/disc_dit (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), idle, torch 2.13
    Time: 3.3 minutes, of which VAE 0.2; 0.6 GB of memory; 1.82 M parameters
    Measured (100 prompts, given 2.1 minutes): direction 100 %, area right in every frame 100 % (ceilings 100 %)
    """
    changes = {
        "denoiser": DiTConfig(model_dim=128, num_heads=4, depth=4),
        "training": StageConfig(steps=1200, batch_size=32),
    }
    return _latents().model_copy(update=changes)
