"""How many steps a budget pays for: what one step of every stage costs, and steps scaled to fit."""

import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

from ..data.buckets import alike
from ..data.open import open_clips
from ..model import VideoModel
from ..nn.precision import synchronize
from ..vae.config import VAEConfig
from ..vae.model import VideoVAE
from .adversarial_task import AdversarialTask
from .captions import prepare_captions
from .config import STEPS_SHARE, RunConfig, StageConfig, adversarial_stage
from .diffusion_task import DiffusionTask
from .distributed import PLAIN, Engine
from .memory import explained
from .run import build_model
from .state import start
from .task import Clips, Task
from .throughput import counting, flops_of
from .trainer import train_step
from .vae_task import VAETask

Unit = Literal["seconds", "flops", "examples"]

WARM_STEPS, TIMED_STEPS = 2, 5  # the first steps build kernels
PROBE_CLIPS = 256  # rows of the stand-in for the latent cache: a step costs the same with any number of them
ENCODE_BATCH = 32  # clips at a time, as the cache is made


class StageCosts(BaseModel):
    """What a run costs, in one unit: per optimizer step of each stage, and what is paid once whatever the steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vae: float | None
    """None: these models have no autoencoder to train."""
    diffusion: float
    once: float = 0.0
    """Encoding the cached clips."""

    def total(self, config: RunConfig) -> float:
        """Cost of the whole run."""
        first = 0.0 if self.vae is None else self.vae * config.vae_training.steps
        return self.once + first + self.diffusion * config.training.steps


def trains_vae(config: RunConfig) -> bool:
    """Whether there is a stage before the diffusion model's."""
    return isinstance(config.vae, VAEConfig)


def with_budget(config: RunConfig, unit: Unit, amount: float | int) -> RunConfig:
    """The run with its steps scaled so that it costs `amount` at most, as measured on this machine."""
    return fitted(config, cost_of(config, unit), unit, amount)


def fitted(config: RunConfig, costs: StageCosts, unit: Unit, amount: float | int) -> RunConfig:
    """Scale the steps of both stages by one factor, rounded down, so that the costs come to `amount` at most.

    Every stage keeps at least one step; warm-up stays as it is. ValueError where the amount does not pay for that.
    """
    one_each = config.model_copy(
        update={
            "vae_training": config.vae_training.model_copy(update={"steps": 1}),
            "training": config.training.model_copy(update={"steps": 1}),
        }
    )
    if amount < (least := costs.total(one_each)):
        raise ValueError(
            f"{amount:g} {unit} do not pay for one step of every stage and the clips encoded once "
            f"({costs.once:.3g}). Give --{unit} {_rounded_up(least):g} or more."
        )
    factor = (amount - costs.once) / (costs.total(config) - costs.once)
    vae_steps = max(1, math.floor(config.vae_training.steps * factor)) if costs.vae is not None else 0
    left = amount - costs.once - vae_steps * (costs.vae or 0.0)
    # A VAE step that had to stay is taken off the other stage, so the whole still fits.
    steps = max(1, min(math.floor(config.training.steps * factor), math.floor(left / costs.diffusion)))
    changes = {"training": config.training.model_copy(update={"steps": steps})}
    if vae_steps:
        changes["vae_training"] = config.vae_training.model_copy(update={"steps": vae_steps})
    return config.model_copy(update=changes)


def _rounded_up(value: float) -> float:
    """To two digits, never down: a number to type that is certainly enough."""
    power = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / power) * power


def cost_of(config: RunConfig, unit: Unit, engine: Engine = PLAIN) -> StageCosts:
    """Costs of a run's stages.

    seconds: measured here and now, a few real steps of each stage after warm-up, plus encoding the cached clips. Of
    several processes, this one's share, without what they have to tell each other. OutOfMemory where that is too much.
    flops: floating-point operations of loss and gradients (matrix products and convolutions; the optimizer is not
    counted), the same on every machine. examples: clips seen.
    """
    if unit == "examples":
        vae = float(_clips_per_step(config.vae_training)) if trains_vae(config) else None
        return StageCosts(vae=vae, diffusion=float(_clips_per_step(config.training)))
    clips = open_clips(config.data, "train", config.seed)
    model = build_model(config, clips).to(engine.device)

    def measure(task: Task, stage: StageConfig, engine: Engine) -> float:
        if unit == "flops":
            return flops_per_step(task, stage)
        with explained(task, stage, config, engine):
            return seconds_per_step(task, stage, engine)

    vae, engine_of_vae = None, Engine(engine.processes)
    if isinstance(model.vae, VideoVAE):
        vae = measure(VAETask(model.vae, clips, config.seed), config.vae_training, engine_of_vae)
        if model.vae.config.adversarial_weight:
            stage = adversarial_stage(config.vae_training)
            vae += STEPS_SHARE * measure(AdversarialTask(model.vae, clips, config.seed, stage), stage, engine_of_vae)
    diffusion = measure(diffusion_on_noise(config, model, clips), config.training, engine)
    once = _encoding(config, model, clips, unit) / (1 if unit == "flops" else engine.processes.count)
    return StageCosts(vae=vae, diffusion=diffusion, once=once)


def seconds_per_step(task: Task, config: StageConfig, engine: Engine = PLAIN) -> float:
    """Median time of an optimizer step in the precision that the run would choose; changes the task's weights."""
    times, alone = [], Engine(recompute=engine.recompute, compile=engine.compile)
    config = config.model_copy(update={"batch_size": len(engine.processes.part(range(config.batch_size)))})
    with tempfile.TemporaryDirectory() as folder:
        state = start(task, config, Path(folder), engine=alone)
        for _ in range(WARM_STEPS + TIMED_STEPS):
            begun = time.perf_counter()
            train_step(task, state, config)
            times.append(time.perf_counter() - begun)
    return statistics.median(times[WARM_STEPS:])


def flops_per_step(task: Task, config: StageConfig) -> float:
    """Operations of loss and gradients of one optimizer step."""
    return float(flops_of(task, range(config.batch_size)) * config.grad_accum)


def _clips_per_step(config: StageConfig) -> int:
    return config.batch_size * config.grad_accum


def diffusion_on_noise(config: RunConfig, model: VideoModel, clips: Clips) -> DiffusionTask:
    """The last stage on noise instead of latents: a step costs the same, and nothing needs a trained VAE."""
    count = min(PROBE_CLIPS, config.cached_clips)
    generator = torch.Generator().manual_seed(config.seed)
    latents = torch.randn((count, *model.latent_shape(config.data.num_frames)), generator=generator)
    captions = prepare_captions(model, clips.captions(range(count)))
    return DiffusionTask(model, latents, captions, config.diffusion, config.seed)


@torch.no_grad()
def _encoding(config: RunConfig, model: VideoModel, clips: Clips, unit: Unit) -> float:
    """Of all cached clips, from one batch of them."""
    same = alike(clips.shapes(range(min(ENCODE_BATCH, config.cached_clips))))[0]
    frames, share = clips.batch(same).frames, config.cached_clips / len(same)
    model.vae.eval()
    with counting() as counter:  # also warms up
        model.encode(frames)
    if unit == "flops":
        return counter.get_total_flops() * share
    begun = time.perf_counter()
    model.encode(frames)
    synchronize(model.device)
    return (time.perf_counter() - begun) * share
