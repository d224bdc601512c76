"""Every stage in seconds: for tests, and to see that an installation works."""

from ..data.config import SpriteConfig
from ..denoisers.config import DiTConfig
from ..samplers.config import SamplingConfig
from ..text.config import TextConfig
from ..training.config import RunConfig, StageConfig
from ..vae.config import VAEConfig

# Float32 is fixed, so that two runs on one machine give the same bits whatever a speed probe would have said.
STAGE = StageConfig(steps=20, batch_size=8, precision="float32", warmup_steps=5, log_every=5, checkpoint_every=10)


def smoke() -> RunConfig:
    """All stages, tiny; the videos are blobs.

    Command: mutoscope train smoke --out runs/smoke (seed 0)
    Hardware: 2 cores of an AMD EPYC, torch 2.13
    Time: 6 seconds
    Measured: nothing; it shows that every stage runs
    """
    return RunConfig(
        data=SpriteConfig(),
        vae=VAEConfig(width=16, depth=1),
        text=TextConfig(model_dim=32, num_heads=2, depth=1),
        denoiser=DiTConfig(model_dim=64, num_heads=2, depth=2),
        sampling=SamplingConfig(steps=4),
        vae_training=STAGE.model_copy(update={"batch_size": 2}),
        training=STAGE,
        cached_clips=64,
        sample_every=10,
        sample_prompts=("a red 7 moving left", "a blue 3 moving up"),
    )
