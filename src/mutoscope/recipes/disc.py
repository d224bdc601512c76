"""The tutorial's task: a grey disc in four directions, 8 frames, per-frame VAE."""

from ..data.config import disc as disc_data
from ..training.config import RunConfig
from ..vae.config import VAEConfig
from .demo import demo


def disc() -> RunConfig:
    """The set on which the tutorial notebook's generations fail.

    Command: mutoscope train disc --out runs/disc
    """
    vae = VAEConfig(channels=1, latent_channels=4, temporal_stride=1, memory=False)
    return demo().model_copy(update={"data": disc_data(), "vae": vae})
