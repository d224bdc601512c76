"""From a prompt to a video: the whole path on one page."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from .config import Config
from .diffusion.guidance import (
    cfg_zero_star,
    classifier_free_guidance,
    remembered,
    rescaled,
    zero_velocity_at_noise,
)
from .diffusion.timesteps import time_grid
from .model import VideoModel
from .nn.precision import fast_dtype
from .samplers.config import SamplingConfig
from .samplers.fresh_noise import Draw
from .samplers.table import sampler_of
from .types import Denoiser
from .video.pixels import to_uint8

PACKAGED_MODEL = Path(__file__).parent / "packaged"
OnStep = Callable[[int, int], None]
"""Called with (network steps done, steps in all)."""


class GenerateRequest(Config):
    """What to generate: shared by Python, the command line and any other front end."""

    prompts: tuple[str, ...]
    """One video per prompt."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...]
    """One seed per prompt: the same seed gives the same video in any batch."""
    num_frames: Annotated[int, Field(ge=1)] | None = None
    """Frames per video; none = as in training."""
    sampling: SamplingConfig | None = None
    """Sampler, steps and guidance; none = the model's own."""

    @model_validator(mode="after")
    def _prompts_fit(self) -> "GenerateRequest":
        if not self.prompts:
            raise ValueError('there is no prompt. Give one, e.g. "a red 7 moving left".')
        for prompt in self.prompts:
            if not prompt.strip():
                raise ValueError('a prompt is empty. Say what to show, e.g. "a red 7 moving left".')
        if len(self.seeds) != len(self.prompts):
            raise ValueError(f"{len(self.prompts)} prompts need as many seeds, got {len(self.seeds)}.")
        return self


def seeded_draw(seeds: tuple[int, ...], shape: tuple[int, ...]) -> Draw:
    """Fresh standard normal (len(seeds), *shape) at every call; row i depends on seeds[i] and the call's number only.

    Drawn on the CPU, so one seed means one video on every device and in every batch.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return lambda: torch.stack([torch.randn(shape, generator=generator) for generator in generators])


@torch.no_grad()
def generate(
    model: VideoModel, request: GenerateRequest, on_step: OnStep | None = None, weak_model: VideoModel | None = None
) -> Float[Tensor, "b c F H W"]:
    """Videos of the prompts, in [-1, 1]: noise -> guided denoiser -> sampler -> VAE decoder.

    weak_model: trained for less long or smaller, to be guided away from instead of from the empty caption.
    """
    if weak_model is not None:
        check_weak_model(model, weak_model)
    sampling = request.sampling or model.config.sampling
    draw = seeded_draw(request.seeds, model.latent_shape(request.num_frames or model.config.num_frames))
    noise = draw()
    denoise = guided_denoiser(model, request.prompts, sampling, weak_model)
    if on_step is not None:
        denoise = _counting(denoise, on_step, sampling.network_steps)
    times = time_grid(sampling.steps, model.config.diffusion.shift)
    return model.decode(sampler_of(sampling, draw)(denoise, noise, times, model.path))


def guided_denoiser(
    model: VideoModel, prompts: tuple[str, ...], sampling: SamplingConfig, weak_model: VideoModel | None = None
) -> Denoiser:
    """The model's denoiser of the prompts, guided away from the weak model's or from its own of the empty caption."""
    cond = remembered(_denoiser_of(model, prompts))  # rescaling asks it a second time
    if weak_model is not None:
        negative = _denoiser_of(weak_model, prompts)
    elif model.config.denoiser.text:
        negative = _denoiser_of(model, ("",) * len(prompts))
    else:
        return cond
    scale, interval = sampling.guidance_scale, sampling.guidance_interval
    if scale == 1:
        return cond
    if sampling.guidance == "classifier_free":
        return rescaled(classifier_free_guidance(cond, negative, scale, interval), cond, sampling.guidance_rescale)
    guided = cfg_zero_star(cond, negative, scale, model.path, interval)
    return zero_velocity_at_noise(rescaled(guided, cond, sampling.guidance_rescale), model.path)


def _denoiser_of(model: VideoModel, prompts: tuple[str, ...]) -> Denoiser:
    return model.x0_denoiser(model.context(prompts) if model.config.denoiser.text else None)


def check_weak_model(model: VideoModel, weak_model: VideoModel) -> None:
    """ValueError unless estimates of both can be subtracted: the same latents and noising path."""
    ours, theirs = model.config, weak_model.config
    hint = "Guide with an earlier snapshot or a smaller model of the same run, or leave --weak-model out."
    shape, weak_shape = (each.latent_shape(ours.num_frames) for each in (model, weak_model))
    if shape != weak_shape:
        raise ValueError(f"the weak model has latents of {weak_shape}, the model of {shape}. {hint}")
    for name in ("path", "num_betas", "betas", "zero_terminal_snr"):
        here, there = getattr(ours.diffusion, name), getattr(theirs.diffusion, name)
        if here != there:
            raise ValueError(f"the weak model was trained with {name}={there}, the model with {name}={here}. {hint}")
    vae, weak_vae = model.vae.state_dict(), weak_model.vae.state_dict()
    if vae.keys() != weak_vae.keys() or not all(torch.equal(vae[k], weak_vae[k]) for k in vae):
        raise ValueError(f"the weak model has another VAE, so its latents mean something else. {hint}")


def _counting(denoise: Denoiser, on_step: OnStep, calls: int) -> Denoiser:
    done = 0

    def counted(xt: Tensor, t: Tensor) -> Tensor:
        nonlocal done
        x0 = denoise(xt, t)
        done += 1
        on_step(done, calls)
        return x0

    return counted


class Pipeline:
    """A loaded model, ready to use: `mutoscope.load("runs/demo").generate("a red 7 moving left", seed=0)`."""

    def __init__(self, model: VideoModel, weak_model: VideoModel | None = None):
        if weak_model is not None:
            check_weak_model(model, weak_model)
        self.model, self.weak_model = model, weak_model

    @classmethod
    def load(
        cls, run: str | Path | None = None, dtype: torch.dtype | None = None, weak_model: str | Path | None = None
    ) -> "Pipeline":
        """The model of a run folder (or a model folder); none = the small one inside the package.

        dtype: arithmetic of the networks; none = bfloat16 where the processor has it in hardware, else float32.
        The sampler's state is float32 always.
        weak_model: folder of a weaker model of the same VAE, to guide with; none = guide with the empty caption.
        """
        dtype = dtype or fast_dtype()
        model = _load_model(PACKAGED_MODEL if run is None else Path(run)).to(dtype)
        return cls(model, None if weak_model is None else _load_model(Path(weak_model)).to(dtype))

    def generate(
        self,
        prompt: str,
        seed: int = 0,
        num_frames: int | None = None,
        steps: int | None = None,
        sampler: str | None = None,
        guidance_scale: float | None = None,
        eta: float | None = None,
        guidance: str | None = None,
        guidance_rescale: float | None = None,
    ) -> np.ndarray:
        """One video as uint8 (F, H, W, 3). What is not given is as the model was made for."""
        sampling = self.sampling(steps, sampler, guidance_scale, eta, guidance, guidance_rescale)
        return self.generate_many([prompt], [seed], num_frames, sampling)[0]

    def generate_many(
        self,
        prompts: list[str],
        seeds: list[int],
        num_frames: int | None = None,
        sampling: SamplingConfig | None = None,
        on_step: OnStep | None = None,
    ) -> list[np.ndarray]:
        """One video per prompt and seed, as one batch. sampling: see `sampling`; none = the model's own."""
        request = GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), num_frames=num_frames, sampling=sampling)
        return [to_uint8(frames) for frames in generate(self.model, request, on_step, self.weak_model)]

    def sampling(
        self,
        steps: int | None = None,
        sampler: str | None = None,
        guidance_scale: float | None = None,
        eta: float | None = None,
        guidance: str | None = None,
        guidance_rescale: float | None = None,
    ) -> SamplingConfig:
        """The model's sampling settings with what is given put in their place; eta stays with its sampler."""
        given = {
            "steps": steps,
            "sampler": sampler,
            "guidance_scale": guidance_scale,
            "eta": eta if eta is not None or sampler in (None, "ddim") else 0.0,
            "guidance": guidance,
            "guidance_rescale": guidance_rescale,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return SamplingConfig.model_validate(self.model.config.sampling.model_dump() | changes)


def _load_model(folder: Path) -> VideoModel:
    inner = folder / "model"
    return VideoModel.load(inner if inner.is_dir() else folder)
