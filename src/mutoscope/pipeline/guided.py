"""The denoiser that a sampler sees: the model's network, asked about the prompts and guided."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..diffusion.given import Given, with_given
from ..diffusion.guidance import (
    cfg_zero_star,
    classifier_free_guidance,
    history_guidance,
    remembered,
    rescaled,
    zero_velocity_at_noise,
)
from ..diffusion.paths import Path
from ..model import VideoModel
from ..samplers.config import SamplingConfig
from ..types import Denoiser
from .request import GenerateRequest


@dataclass(frozen=True)
class Question:
    """The network with its text: asked for the prompts, and for what guidance moves away from (None = nothing)."""

    cond: Denoiser
    negative: Denoiser | None
    path: Path
    given_time: float
    """Diffusion time of given frames."""


@torch.no_grad()
def question_of(model: VideoModel, request: GenerateRequest, weak_model: VideoModel | None = None) -> Question:
    """Text is read here, once, however many windows a video has.

    Guidance moves away from the weak model with the same prompts, or from the model itself with the negative prompt.
    """
    negative = None
    if weak_model is not None:
        negative = _denoiser_of(weak_model, request.prompts)
    elif model.config.denoiser.text:
        negative = _denoiser_of(model, (request.negative,) * len(request.prompts))
    return Question(_denoiser_of(model, request.prompts), negative, model.path, model.config.diffusion.given_noise)


def guided_denoiser(question: Question, sampling: SamplingConfig, given: Given | None = None) -> Denoiser:
    """Text guidance, then history guidance. Given frames are put in place inside of both, so every call of a network
    sees them, and all clips share their time outside, as samplers and guidance expect.
    """
    path, interval = question.path, sampling.guidance_interval

    def asked(network: Denoiser, given_time: float | None = question.given_time) -> Denoiser:
        return network if given is None else with_given(network, given, path, given_time)

    cond = guided = remembered(asked(question.cond))  # rescaling and history guidance ask it a second time
    resting = False
    if question.negative is not None and sampling.guidance_scale != 1:
        negative, scale = asked(question.negative), sampling.guidance_scale
        resting = sampling.guidance == "cfg_zero_star"
        if resting:
            guided = cfg_zero_star(cond, negative, scale, path, interval)
        else:
            guided = classifier_free_guidance(cond, negative, scale, interval)
        guided = rescaled(guided, cond, sampling.guidance_rescale)
    if given is not None:
        without = asked(question.cond, given_time=None)
        guided = history_guidance(guided, cond, without, sampling.history_guidance, interval)
    return zero_velocity_at_noise(guided, path) if resting else guided


def _denoiser_of(model: VideoModel, prompts: Sequence[str]) -> Denoiser:
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
