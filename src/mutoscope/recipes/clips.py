"""For captioned clips of your own."""

from ..data.config import ClipsConfig
from ..denoisers.config import DiTConfig
from ..diffusion.config import DiffusionConfig
from ..samplers.config import SamplingConfig
from ..text.config import TextConfig
from ..training.config import RunConfig, StageConfig
from ..vae.config import VAEConfig


def clips() -> RunConfig:
    """A folder of your own captioned clips: 64x64, 17 frames; also continues clips and animates pictures.

    Command: mutoscope data scan DIR, then mutoscope train clips --data.folder DIR --out runs/mine (seed 0)
    Hardware: 2 cores of an AMD EPYC (Zen 4, AVX-512 BF16), torch 2.13
    Time: depends on the clips and the machine: --dry-run measures it
    Measured: by examples/signs.py and examples/cars.py, which change some of its settings (docs/your-clips.md)
    """
    return RunConfig(
        data=ClipsConfig(),
        vae=VAEConfig(
            latent_channels=16,
            spatial_stride=8,
            shortcuts=True,
            # Real pictures are grey where nothing is known, not black: L1 alone does not get stuck there.
            square_weight=0.0,
            multiscale_weight=1.0,
        ),
        text=TextConfig(vocabulary_size=8192, max_tokens=48),
        denoiser=DiTConfig(model_dim=256, num_heads=4, depth=6),
        diffusion=DiffusionConfig(sorted_share=0.3, prefix_share=0.2),
        sampling=SamplingConfig(steps=16, guidance_scale=3.0),
        vae_training=StageConfig(steps=2000, batch_size=4),
        training=StageConfig(steps=2000, batch_size=16),
        cached_clips=2048,
        sample_every=250,
    )
