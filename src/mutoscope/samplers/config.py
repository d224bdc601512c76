"""The settings of sampling that a model is best used with."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..config import Config

SamplerName = Literal["euler", "ddim", "ddpm", "heun", "dpmpp_2m", "dpmpp_2m_sde", "unipc"]
GuidanceName = Literal["classifier_free", "cfg_zero_star"]


class SamplingConfig(Config):
    """Sampler, steps and guidance; stored with a model as its defaults."""

    sampler: SamplerName = "dpmpp_2m"
    """How the noise is carried to data; ddpm and dpmpp_2m_sde add fresh noise on the way."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 16
    """Steps of the sampler; Heun calls the network twice per step."""
    eta: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fresh noise of sampler ddim: 0 = none, 1 = as much as in DDPM."""
    guidance: GuidanceName = "classifier_free"
    """How estimates with and without caption are combined."""
    guidance_scale: Annotated[float, Field(ge=0)] = 3.0
    """Strength of guidance; 1 = off."""
    guidance_interval: tuple[float, float] = (0.1, 1.0)
    """Diffusion times in which guidance acts."""
    guidance_rescale: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How far the contrast of guided estimates is brought back to that of unguided ones; 0 = off."""
    history: Annotated[int, Field(ge=1)] | None = None
    """Latent frames that a video goes on from where it is longer than the clips trained on, or continues a clip; none =
    half of a clip."""
    history_guidance: Annotated[float, Field(ge=0)] = 1.0
    """Strength of guidance towards the frames that a video goes on from, and other given ones; 1 = off."""

    @model_validator(mode="after")
    def _settings_belong_together(self) -> "SamplingConfig":
        low, high = self.guidance_interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"guidance_interval={low, high} must satisfy 0 <= low < high <= 1. Try 0.1 1.0.")
        if self.eta and self.sampler != "ddim":
            raise ValueError(
                f"eta={self.eta} needs sampler=ddim, got sampler={self.sampler}. Leave it at 0, or set --sampler ddim."
            )
        return self

    @property
    def network_steps(self) -> int:
        """How often the sampler asks the denoiser: once per step, Heun twice but for the last."""
        return 2 * self.steps - 1 if self.sampler == "heun" else self.steps
