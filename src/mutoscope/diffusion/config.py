"""How latents are noised, what the network predicts, and how timesteps are drawn and weighted in training."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..config import Config

PathName = Literal["linear", "cosine", "ddpm"]
Prediction = Literal["velocity", "epsilon", "x0"]
Share = Annotated[float, Field(ge=0, le=1)]


class DiffusionConfig(Config):
    """Path, prediction, and density and weight of the timesteps."""

    path: PathName = "linear"
    """Noising path; linear = rectified flow, cosine = variance-preserving quarter circle, ddpm = DDPM's table."""
    prediction: Prediction = "velocity"
    """What the network predicts; epsilon needs path ddpm without zero_terminal_snr."""
    num_betas: Annotated[int, Field(ge=2)] = 500
    """Entries of the table of path ddpm."""
    betas: tuple[float, float] = (1e-4, 0.02)
    """First and last beta of path ddpm; those between are evenly spaced."""
    zero_terminal_snr: bool = False
    """Rescale the table of path ddpm so that its last entry is pure noise."""
    timesteps: Literal["logit_normal", "uniform"] = "logit_normal"
    """Density of training timesteps."""
    timestep_mean: float = 0.0
    """Mean of the logit-normal density of training timesteps; > 0 trains more on noise."""
    timestep_std: Annotated[float, Field(gt=0)] = 1.0
    """Standard deviation of the logit-normal density of training timesteps."""
    min_snr_gamma: Annotated[float, Field(ge=0)] = 0.0
    """Weigh x0 errors by min(signal-to-noise ratio, this), usually 5; 0 = the prediction's own weight."""
    shift: Annotated[float, Field(gt=0)] = 1.0
    """Timestep shift of the sampler's grid; > 1 spends more steps at high noise."""
    caption_dropout: Share = 0.1
    """Share of examples trained without their caption, for classifier-free guidance."""
    sorted_share: Share = 0.0
    """Share of examples with a timestep per latent frame, earlier frames never noisier than later ones."""
    prefix_share: Share = 0.0
    """Share of examples whose first latent frames are given; above 0 the model continues clips, pictures and its own
    videos."""
    between_share: Share = 0.0
    """Share of examples whose first and last latent frame are given, to fill in what is between them."""
    given_noise: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """Timestep of given frames, in training and sampling: a little noise hides flaws of the model's own frames."""

    @model_validator(mode="after")
    def _settings_belong_together(self) -> "DiffusionConfig":
        if self.path != "ddpm":
            self._check_untouched(("num_betas", "betas", "zero_terminal_snr"), "path", self.path, "ddpm")
        if self.timesteps != "logit_normal":
            self._check_untouched(("timestep_mean", "timestep_std"), "timesteps", self.timesteps, "logit_normal")
        self._check_shares()
        first, last = self.betas
        if not 0 < first <= last < 1:
            raise ValueError(f"betas={first, last} must satisfy 0 < first <= last < 1. Try 0.0001 0.02.")
        fitting = predictions_of(self.path, self.zero_terminal_snr)
        if self.prediction not in fitting:
            where = "path ddpm with zero_terminal_snr" if self.path == "ddpm" else f"path {self.path}"
            raise ValueError(
                f"prediction={self.prediction} does not fit {where}: at pure noise it says nothing about x0. "
                f"Use prediction {' or '.join(fitting)}, or path ddpm without zero_terminal_snr."
            )
        return self

    def _check_shares(self) -> None:
        total = self.sorted_share + self.prefix_share + self.between_share
        if total > 1 + 1e-9:
            raise ValueError(
                f"sorted_share={self.sorted_share}, prefix_share={self.prefix_share} and between_share="
                f"{self.between_share} add up to {total:g}, more than all examples. Try 0.3, 0.2 and 0."
            )
        if not self.gives_frames:
            self._check_untouched(("given_noise",), "prefix_share", f"{self.prefix_share}", "0.2")

    @property
    def gives_frames(self) -> bool:
        """Whether some examples are trained with frames that are given."""
        return self.prefix_share > 0 or self.between_share > 0

    @property
    def per_frame(self) -> bool:
        """Whether latent frames of one clip may have different timesteps in training."""
        return self.gives_frames or self.sorted_share > 0

    def _check_untouched(self, names: tuple[str, ...], field: str, value: str, needed: str) -> None:
        for name in names:
            given, default = getattr(self, name), DiffusionConfig.model_fields[name].default
            if given != default:
                raise ValueError(
                    f"{name}={given} needs {field}={needed}, got {field}={value}. "
                    f"Leave it at {default}, or set --diffusion.{field} {needed}."
                )


def predictions_of(path: PathName, zero_terminal_snr: bool = False) -> tuple[Prediction, ...]:
    """What a network may predict on a path.

    x0 = (x_t - sigma epsilon) / alpha, so epsilon needs alpha > 0 at pure noise.
    """
    if path == "ddpm" and not zero_terminal_snr:
        return "velocity", "epsilon", "x0"
    return "velocity", "x0"
