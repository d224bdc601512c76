"""Two handwritten digits on 64 x 64 pixels: for one GPU, and the same in small for two cores."""

from ..data.config import SpriteConfig
from ..denoisers.config import DiTConfig
from ..samplers.config import SamplingConfig
from ..text.config import TextConfig
from ..training.config import RunConfig, StageConfig
from ..vae.config import VAEConfig

PROMPTS = (
    "a red 7 moving left and a blue 3 moving up",
    "a green 0 moving down and right and a red 5 moving down",
    "a blue 8 moving right slowly and a green 1 moving left quickly",
    "a red 2 moving up and left and a green 9 moving up",
)
DATA = SpriteConfig(
    num_sprites=2,
    colours=("red", "green", "blue"),
    height=64,
    width=64,
    sprite_size=24,
    slow_speed=0.9,
    fast_speed=2.1,
    bounce_share=0.0,
)


def mnist64() -> RunConfig:
    """Two digits on 64x64, 50 M parameters, for a GPU; resumes across short runs.

    Command: mutoscope train mnist64 --data.digits MNIST/ --out runs/mnist64 (seed 0; the packaged digits without it)
    Hardware: made for one H100- or H200-class GPU, bfloat16; NOT YET TRAINED on one
    Size: see `mutoscope train mnist64 --dry-run`
    Measured: nothing yet. Aimed for: digits 97 %, directions 98 %, as `mutoscope evaluate` counts them
    """
    return RunConfig(
        data=DATA,
        text=TextConfig(model_dim=256, depth=2, max_tokens=32),
        vae=VAEConfig(latent_channels=16, spatial_stride=8, width=192, shortcuts=True),
        denoiser=DiTConfig(patch=(1, 1, 1), model_dim=512, num_heads=8, depth=9),
        sampling=SamplingConfig(steps=16, guidance_scale=4.0),
        vae_training=StageConfig(steps=6000, batch_size=32, checkpoint_every=250),
        training=StageConfig(steps=30_000, batch_size=128, checkpoint_every=250),
        cached_clips=65_536,
        sample_prompts=PROMPTS,
        sample_every=2000,
    )


def mnist64_small() -> RunConfig:
    """Two digits on 64x64 in five minutes on two cores: shows that all of it runs, and what minutes are too few for.

    Command: mutoscope train mnist64_small --out runs/mnist64_small (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), torch 2.13
    Time: about 4 minutes (7.9 with tests beside it); 1.0 GB of memory
    Size: VAE 1.17 M, denoiser 3.36 M, text encoder 0.21 M parameters
    Measured (240 prompts): two moving blobs of the asked colours; both digits right 2 % (ceiling 99 %), both
        directions 0 %; VAE 25 dB PSNR
    """
    large = mnist64()
    return large.model_copy(
        update={
            "text": TextConfig(depth=1, max_tokens=32),
            "vae": VAEConfig(latent_channels=8, spatial_stride=8, width=64, shortcuts=True),
            "denoiser": DiTConfig(patch=(1, 2, 2), model_dim=192, num_heads=3, depth=4),
            "sampling": SamplingConfig(steps=12, guidance_scale=5.0),
            "vae_training": StageConfig(steps=350, batch_size=4),
            "training": StageConfig(steps=500, batch_size=32),
            "cached_clips": 2048,
            "sample_every": 250,
        }
    )
