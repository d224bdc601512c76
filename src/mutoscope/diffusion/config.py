"""How latents are noised, what the network predicts, and how timesteps are drawn in training."""

from typing import Annotated, Literal

from pydantic import Field

from ..config import Config


class DiffusionConfig(Config):
    """Path, prediction and timestep density."""

    path: Literal["linear"] = "linear"
    """Noising path; linear = rectified flow."""
    prediction: Literal["velocity", "x0"] = "velocity"
    """What the network predicts."""
    timestep_mean: float = 0.0
    """Mean of the logit-normal density of training timesteps; > 0 trains more on noise."""
    timestep_std: Annotated[float, Field(gt=0)] = 1.0
    """Standard deviation of the logit-normal density of training timesteps."""
    shift: Annotated[float, Field(gt=0)] = 1.0
    """Timestep shift of the sampler's grid; > 1 spends more steps at high noise."""
    caption_dropout: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of examples trained without their caption, for classifier-free guidance."""
