"""The recipe of the model that ships inside the package."""

from ..training.config import RunConfig
from .demo import demo


def packaged() -> RunConfig:
    """The demo's model, trained five times as long.

    Command: mutoscope train packaged --out runs/packaged
    """
    short = demo()
    vae_training = short.vae_training.model_copy(update={"steps": 1500, "ema_decay": 0.995, "precision": "bfloat16"})
    training = short.training.model_copy(update={"steps": 5000, "ema_decay": 0.998, "precision": "bfloat16"})
    longer = {"vae_training": vae_training, "training": training, "cached_clips": 16384, "sample_every": 1000}
    return short.model_copy(update=longer)
