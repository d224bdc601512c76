"""From a request to frames, window by window: noise -> guided denoiser -> sampler -> VAE decoder."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.given import Given
from ..diffusion.timesteps import time_grid
from ..model import VideoModel
from ..samplers.fresh_noise import Draw
from ..samplers.table import sampler_of
from ..types import Denoiser
from ..vae.model import frames_within
from .guided import check_weak_model, guided_denoiser, question_of
from .request import GenerateRequest, Windows, check_guidance, size_of, windows_of

CPU = torch.device("cpu")
OnStep = Callable[[int, int, Tensor], None]
"""Called with (network steps done, steps in all, estimate of the latents without noise (b, c, f, h, w))."""


def generate(
    model: VideoModel,
    request: GenerateRequest,
    on_step: OnStep | None = None,
    weak_model: VideoModel | None = None,
    start: Float[Tensor, "n c s H W"] | None = None,
    end: Float[Tensor, "m c e H W"] | None = None,
) -> Float[Tensor, "b c F H W"]:
    """Videos of the prompts, in [-1, 1], whole. Arguments as in `stream`, which needs less memory for long ones."""
    return torch.cat(list(stream(model, request, on_step, weak_model, start, end)), dim=2)


def stream(
    model: VideoModel,
    request: GenerateRequest,
    on_step: OnStep | None = None,
    weak_model: VideoModel | None = None,
    start: Float[Tensor, "n c s H W"] | None = None,
    end: Float[Tensor, "m c e H W"] | None = None,
) -> Iterator[Float[Tensor, "b c F H W"]]:
    """Videos of the prompts, in [-1, 1], in pieces of as many frames as are finished; memory for one piece.

    weak_model: trained for less long or smaller, to be guided away from instead of from the empty caption.
    start: what the videos begin with, in [-1, 1] and of their size: a picture (one frame), or a clip, of whose end as
        many frames are looked at as `SamplingConfig.history` says. They are the first frames of the videos, as the VAE
        shows them. One for all videos (n = 1) or one each.
    end: the picture that the videos end with; needs start. The VAE knows no single frame but the first: the picture
        stands for the last latent frame, so a video rests on it for the frames of one.
    Raises ValueError, in one line and before anything is computed, for what the model cannot do.
    """
    if weak_model is not None:
        check_weak_model(model, weak_model)
    check_guidance(model, request, weak_model)
    _check_ends(model, request, start, end)
    windows = windows_of(model, request, start, end)
    if weak_model is not None and windows.given(-1) and not weak_model.config.diffusion.gives_frames:
        raise ValueError("the weak model was not trained with given frames, the model was. Leave --weak-model out.")
    return _windows(model, request, windows, on_step, weak_model, start, end)


def _windows(
    model: VideoModel,
    request: GenerateRequest,
    windows: Windows,
    on_step: OnStep | None,
    weak_model: VideoModel | None,
    start: Tensor | None,
    end: Tensor | None,
) -> Iterator[Tensor]:
    sampling = request.sampling or model.config.sampling
    question, draw = question_of(model, request, weak_model), seeded_draw(request.seeds, windows.shape, model.device)
    count = _counter(on_step, len(windows.added) * sampling.network_steps)
    times = time_grid(sampling.steps, model.config.diffusion.shift)  # on the CPU: what to do is decided by them
    shown = start
    for index in range(len(windows.added)):
        num_given = windows.given(index)
        with torch.no_grad():  # ends before the yield, or it would reach whoever waits for a piece
            noise = draw()
            given = None if shown is None else _given(model, shown, num_given, end, noise=draw())
            denoise = count(guided_denoiser(question, sampling, given))
            latents = sampler_of(sampling, draw)(denoise, noise, times, model.path)
            shown = model.decode(latents if given is None else given.over(latents))
        yield (shown if index == 0 else shown[:, :, frames_within(model.config.vae, num_given) :]).cpu()


def _given(model: VideoModel, shown: Tensor, num_latents: int, end: Tensor | None, noise: Tensor) -> Given:
    """The latents of the last frames shown, for the beginning of a window, and of the end.

    A window begins as every clip of training does, with a first latent frame that stands for one frame: that is why
    it goes on from frames, encoded anew, and not from the latents of the window before.
    """
    needed, latents = frames_within(model.config.vae, num_latents), torch.zeros_like(noise)
    frames = torch.zeros(noise.shape[2], dtype=torch.bool, device=noise.device)
    tail = shown[:, :, -needed:]
    if tail.shape[2] < needed:  # a picture for a VAE whose first latent frame stands for several
        tail = torch.cat([tail[:, :, :1].expand(-1, -1, needed - tail.shape[2], -1, -1), tail], dim=2)
    latents[:, :, :num_latents], frames[:num_latents] = model.encode(tail), True
    if end is not None:
        still = end.expand(-1, -1, frames_within(model.config.vae, 2), -1, -1)
        latents[:, :, -1:], frames[-1] = model.encode(still)[:, :, -1:], True
    return Given(latents, frames, noise)


def seeded_draw(seeds: tuple[int, ...], shape: tuple[int, ...], device: torch.device = CPU) -> Draw:
    """Fresh standard normal (len(seeds), *shape) at every call; row i depends on seeds[i] and the call's number only.

    Drawn on the CPU, so one seed means one video on every device and in every batch.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return lambda: torch.stack([torch.randn(shape, generator=generator) for generator in generators]).to(device)


def _counter(on_step: OnStep | None, calls: int) -> Callable[[Denoiser], Denoiser]:
    """Tells on_step about every call of the denoisers of all windows."""
    done = 0

    def count(denoise: Denoiser) -> Denoiser:
        def counted(xt: Tensor, t: Tensor) -> Tensor:
            nonlocal done
            x0 = denoise(xt, t)
            done += 1
            if on_step is not None:
                on_step(done, calls, x0)
            return x0

        return counted

    return count


def _check_ends(model: VideoModel, request: GenerateRequest, start: Tensor | None, end: Tensor | None) -> None:
    """ValueError unless the given frames have the videos' size, channels and number."""
    if end is not None and start is None:
        raise ValueError("a video that ends with a given frame must begin with one, too. Give start, or leave end out.")
    channels, num, size = model.config.vae.channels, len(request.prompts), size_of(model, request)
    for name, frames in (("start", start), ("end", end)):
        if frames is None:
            continue
        n, c, f, *found = frames.shape
        if n not in (1, num) or c != channels or tuple(found) != size or f < 1 or (name == "end" and f != 1):
            raise ValueError(
                f"{name} has the shape {tuple(frames.shape)}, but {num} videos of {channels} channels and size {size} "
                f"need (1 or {num}, {channels}, {'frames' if name == 'start' else '1'}, {size[0]}, {size[1]}). "
                "See Pipeline.fit."
            )
