"""What a saved model says about itself; imports no torch."""

from typing import Annotated, Literal

from pydantic import Field

from .config import Config
from .denoisers.config import DenoiserConfig
from .diffusion.config import DiffusionConfig
from .samplers.config import SamplingConfig
from .text.config import TextEncoderConfig
from .vae.config import AutoencoderConfig

WEIGHTS, CONFIG = "weights.safetensors", "config.json"
"""Files of a saved model."""


class ModelConfig(Config):
    """Everything needed to build a model's parts and to use them as they were meant."""

    format: Literal["mutoscope-model-1"] = "mutoscope-model-1"
    """Names the layout of the folder, so that a foreign one is refused."""
    vae: AutoencoderConfig
    text: TextEncoderConfig
    denoiser: DenoiserConfig
    diffusion: DiffusionConfig
    sampling: SamplingConfig = SamplingConfig()
    num_frames: Annotated[int, Field(ge=1)]
    """Frames of the clips it was trained on: the default when generating."""
    height: Annotated[int, Field(ge=1)]
    """Rows of pixels."""
    width: Annotated[int, Field(ge=1)]
    """Columns of pixels."""
    fps: Annotated[float, Field(gt=0)]
    """Frames per second of the files it writes."""
