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
from .diffusion.guidance import classifier_free_guidance
from .diffusion.timesteps import time_grid
from .model import VideoModel
from .nn.precision import fast_dtype
from .samplers.config import SamplingConfig
from .samplers.table import SAMPLERS
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


def seeded_noise(seeds: tuple[int, ...], shape: tuple[int, ...]) -> Float[Tensor, "b *s"]:
    """Standard normal (len(seeds), *shape); row i depends on seeds[i] only.

    Drawn on the CPU, so one seed means one video on every device and in every batch.
    """
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds])


@torch.no_grad()
def generate(model: VideoModel, request: GenerateRequest, on_step: OnStep | None = None) -> Float[Tensor, "b c F H W"]:
    """Videos of the prompts, in [-1, 1]: noise -> guided denoiser -> sampler -> VAE decoder."""
    sampling = request.sampling or model.config.sampling
    shape = model.latent_shape(request.num_frames or model.config.num_frames)
    noise = seeded_noise(request.seeds, shape)
    cond = model.x0_denoiser(model.context(request.prompts) if model.config.denoiser.text else None)
    denoise = cond
    if model.config.denoiser.text:
        uncond = model.x0_denoiser(model.context([""] * len(request.prompts)))
        denoise = classifier_free_guidance(cond, uncond, sampling.guidance_scale, sampling.guidance_interval)
    if on_step is not None:
        calls = sampling.steps * 2 - 1 if sampling.sampler == "heun" else sampling.steps
        denoise = _counting(denoise, on_step, calls)
    times = time_grid(sampling.steps, model.config.diffusion.shift)
    return model.decode(SAMPLERS[sampling.sampler](denoise, noise, times, model.path))


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

    def __init__(self, model: VideoModel):
        self.model = model

    @classmethod
    def load(cls, run: str | Path | None = None, dtype: torch.dtype | None = None) -> "Pipeline":
        """The model of a run folder (or a model folder); none = the small one inside the package.

        dtype: arithmetic of the networks; none = bfloat16 where the processor has it in hardware, else float32.
        The sampler's state is float32 always.
        """
        folder = PACKAGED_MODEL if run is None else Path(run)
        inner = folder / "model"
        model = VideoModel.load(inner if inner.is_dir() else folder)
        return cls(model.to(dtype or fast_dtype()))

    def generate(
        self,
        prompt: str,
        seed: int = 0,
        num_frames: int | None = None,
        steps: int | None = None,
        sampler: str | None = None,
        guidance_scale: float | None = None,
    ) -> np.ndarray:
        """One video as uint8 (F, H, W, 3). What is not given is as the model was made for."""
        return self.generate_many([prompt], [seed], num_frames, steps, sampler, guidance_scale)[0]

    def generate_many(
        self,
        prompts: list[str],
        seeds: list[int],
        num_frames: int | None = None,
        steps: int | None = None,
        sampler: str | None = None,
        guidance_scale: float | None = None,
        on_step: OnStep | None = None,
    ) -> list[np.ndarray]:
        """One video per prompt and seed, as one batch."""
        sampling = self.sampling(steps, sampler, guidance_scale)
        request = GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), num_frames=num_frames, sampling=sampling)
        return [to_uint8(frames) for frames in generate(self.model, request, on_step)]

    def sampling(self, steps: int | None, sampler: str | None, guidance_scale: float | None) -> SamplingConfig:
        """The model's sampling settings with what is given put in their place."""
        given = {"steps": steps, "sampler": sampler, "guidance_scale": guidance_scale}
        changes = {name: value for name, value in given.items() if value is not None}
        return SamplingConfig.model_validate(self.model.config.sampling.model_dump() | changes)
