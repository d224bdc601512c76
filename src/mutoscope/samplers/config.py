"""The settings of sampling that a model is best used with."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..config import Config

SamplerName = Literal["euler", "ddim", "heun", "dpmpp_2m"]


class SamplingConfig(Config):
    """Sampler, steps and guidance; stored with a model as its defaults."""

    sampler: SamplerName = "dpmpp_2m"
    """How the noise is carried to data."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 16
    """Steps of the sampler; Heun calls the network twice per step."""
    guidance_scale: Annotated[float, Field(ge=0)] = 3.0
    """Strength of classifier-free guidance; 1 = off."""
    guidance_interval: tuple[float, float] = (0.1, 1.0)
    """Diffusion times in which guidance acts."""

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> "SamplingConfig":
        low, high = self.guidance_interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"guidance_interval={low, high} must satisfy 0 <= low < high <= 1. Try 0.1 1.0.")
        return self
