"""The whole description of a run. The command line, the JSON on disk and any form are its shadows."""

import math
from typing import Annotated, Literal

from pydantic import Field

from ..config import Config
from ..data.config import DataConfig, SpriteConfig
from ..denoisers.config import DenoiserConfig, DiTConfig
from ..diffusion.config import DiffusionConfig
from ..model_config import ModelConfig
from ..samplers.config import SamplingConfig
from ..text.config import TextConfig, TextEncoderConfig
from ..vae.config import AutoencoderConfig, VAEConfig

STEPS_SHARE = 0.25  # of the adversarial stage, in the VAE's own steps
RATE_SHARE = 0.25  # of the VAE's learning rate


class StageConfig(Config):
    """One optimisation: the VAE's or the diffusion model's."""

    steps: Annotated[int, Field(ge=1)] = 1000
    """Optimizer steps."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Clips per micro-batch."""
    grad_accum: Annotated[int, Field(ge=1)] = 1
    """Micro-batches per optimizer step."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """Muon on the matrices of the blocks and AdamW on the rest, or AdamW on everything."""
    lr: Annotated[float, Field(gt=0, le=1)] = 2e-3
    """Peak learning rate."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Decoupled weight decay of the matrices."""
    warmup_steps: Annotated[int, Field(ge=0)] = 20
    """Steps of linear warm-up."""
    decay_share: Annotated[float, Field(ge=0, le=1)] = 0.4
    """Last share of the steps, over which the learning rate falls linearly to zero."""
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradients are scaled down to this norm."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Decay per step of the averaged weights that are kept."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the network; auto measures both at the start. Master weights are always float32."""
    log_every: Annotated[int, Field(ge=1)] = 10
    """Steps between lines of metrics.jsonl."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 200
    """Steps between checkpoints."""


def adversarial_stage(config: StageConfig) -> StageConfig:
    """Settings of the stage that follows a VAE's training with `config`."""
    steps = max(1, math.floor(STEPS_SHARE * config.steps))
    return config.model_copy(update={"steps": steps, "lr": RATE_SHARE * config.lr, "optimizer": "adamw"})


class RunConfig(Config):
    """Everything a run needs. `mutoscope train RECIPE --section.field value` overrides any of it."""

    data: DataConfig = SpriteConfig()
    vae: AutoencoderConfig = VAEConfig()
    text: TextEncoderConfig = TextConfig()
    denoiser: DenoiserConfig = DiTConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    sampling: SamplingConfig = SamplingConfig()
    vae_training: StageConfig = StageConfig()
    """Without a meaning in pixel space, where there is no VAE to train."""
    training: StageConfig = StageConfig()
    cached_clips: Annotated[int, Field(ge=1)] = 8192
    """Clips encoded once by the trained VAE, for the diffusion model to train on."""
    sample_prompts: tuple[str, ...] = ()
    """Prompts of the videos made while the diffusion model trains; none = four captions it is trained on."""
    sample_every: Annotated[int, Field(ge=0)] = 0
    """Steps between these videos; 0 = none."""
    snapshots: Annotated[int, Field(ge=0)] = 0
    """Averaged models kept along the diffusion stage, evenly spaced, in snapshots/."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of every draw of the run."""

    @property
    def stages(self) -> dict[str, StageConfig]:
        """What is trained, in this order, by the name of its checkpoints; the last one gives the model."""
        found = {}
        if isinstance(self.vae, VAEConfig):
            found["vae"] = self.vae_training
            if self.vae.adversarial_weight:
                found["adversarial"] = adversarial_stage(self.vae_training)
        return found | {"diffusion": self.training}

    @property
    def model(self) -> ModelConfig:
        """The part of it that a trained model carries along."""
        return ModelConfig(
            vae=self.vae,
            text=self.text,
            denoiser=self.denoiser,
            diffusion=self.diffusion,
            sampling=self.sampling,
            num_frames=self.data.num_frames,
            height=self.data.height,
            width=self.data.width,
            fps=self.data.fps,
        )
