"""What to generate, and whether a model can: everything that can be wrong is said before anything is computed."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator
from torch import Tensor

from ..config import Config
from ..denoisers.config import UNetConfig
from ..model import VideoModel
from ..samplers.config import SamplingConfig
from ..vae.config import AutoencoderConfig
from ..vae.model import frames_within, latent_shape

LONGEST_AT_ONCE = 1025  # frames of a model that cannot go on from its own: attention grows with their square
GOING_ON = "Train one: mutoscope train demo_long --out runs/long"


class GenerateRequest(Config):
    """What to generate: shared by Python, the command line and any other front end."""

    prompts: tuple[str, ...]
    """One video per prompt."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...]
    """One seed per prompt: the same seed gives the same video in any batch."""
    num_frames: Annotated[int, Field(ge=1)] | None = None
    """Frames per video, given ones included; none = as in training."""
    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    """Height and width in pixels; none = as in training."""
    negative: str = ""
    """What guidance moves away from; empty = from no prompt at all."""
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


@dataclass(frozen=True)
class Windows:
    """How a video is made: windows of `length` latent frames, of which window i adds added[i] and is given the rest.

    shape: (channels, length, rows, columns) of the latents of each window.
    """

    shape: tuple[int, int, int, int]
    added: tuple[int, ...]

    def given(self, index: int) -> int:
        """Latent frames that window `index` begins with, from the start or from the window before."""
        return self.shape[1] - self.added[index]


def windows_of(
    model: VideoModel, request: GenerateRequest, start: Tensor | None = None, end: Tensor | None = None
) -> Windows:
    """How a model makes what is asked for. ValueError, in one line, where it cannot.

    A model that was trained to go on from given frames makes a long video in windows as long as the clips it knows,
    each from the end of the one before, so memory does not grow; any other makes it at once, beyond what it knows.
    start: frames (n, c, F, H, W) that the videos begin with; end: the one (n, c, 1, H, W) they end with.
    """
    config, (height, width) = model.config, size_of(model, request)
    num_frames = request.num_frames or config.num_frames
    channels, total, rows, columns = latent_shape(config.vae, num_frames, height, width)
    trained = latent_shape(config.vae, config.num_frames, height, width)[1]
    goes_on = config.diffusion.prefix_share > 0 and trained > 1
    if start is not None:
        _check_given(model, goes_on, total, trained, end)
    length = min(total, trained) if goes_on else total
    if not goes_on and num_frames > max(LONGEST_AT_ONCE, config.num_frames):
        raise ValueError(
            f"{num_frames} frames are too many: this model was not trained to go on from its own frames, so it makes "
            f"{LONGEST_AT_ONCE} at most, all at once. {GOING_ON}"
        )
    _check_network(model, (length, rows, columns), (num_frames, height, width))
    history = history_of(request.sampling or config.sampling, trained) if goes_on else 1
    given = 0 if start is None else 1
    if start is not None and end is None:
        given = min(history, length - 1, latents_within(config.vae, start.shape[2]))
    added = [length - given]
    while given + sum(added) < total:
        added.append(min(length - history, total - given - sum(added)))
    return Windows((channels, length, rows, columns), tuple(added))


def size_of(model: VideoModel, request: GenerateRequest) -> tuple[int, int]:
    """(height, width) of the videos."""
    return request.size or (model.config.height, model.config.width)


def latents_within(config: AutoencoderConfig, num_frames: int) -> int:
    """The most latent frames that so many frames fill; at least one, which may need the first frame repeated."""
    filled = 1
    while frames_within(config, filled + 1) <= num_frames:
        filled += 1
    return filled


def check_guidance(model: VideoModel, request: GenerateRequest, weak_model: VideoModel | None) -> None:
    """ValueError where a negative prompt would have no effect."""
    if not request.negative:
        return
    if weak_model is not None:
        raise ValueError(
            "guidance moves away from one thing: a negative prompt or a weak model. Leave one of them out."
        )
    if not model.config.denoiser.text:
        raise ValueError("this model reads no text, so a negative prompt changes nothing. Leave it out.")
    if (request.sampling or model.config.sampling).guidance_scale == 1:
        raise ValueError("with guidance 1 (off) a negative prompt changes nothing. Leave it out, or try --guidance 3.")


def _check_given(model: VideoModel, goes_on: bool, total: int, trained: int, end: Tensor | None) -> None:
    """Refuse given frames that the model was not trained with, or that leave nothing to make."""
    if end is None and not goes_on:
        raise ValueError(
            "this model was not trained to go on from given frames (its diffusion.prefix_share is 0). " + GOING_ON
        )
    if end is not None and model.config.diffusion.between_share == 0:
        raise ValueError(
            "this model was not trained to fill in between two frames (its diffusion.between_share is 0). " + GOING_ON
        )
    least = 2 if end is None else 3
    if total < least:
        frames = frames_within(model.config.vae, least)
        raise ValueError(f"with the given frames the video is complete. Ask for more: --frames {frames} or more.")
    if end is not None and total > trained:
        raise ValueError(
            f"between two frames this model makes {model.config.num_frames} frames at most, as many as it was trained "
            f"on. Try --frames {model.config.num_frames}."
        )


def history_of(sampling: SamplingConfig, trained: int) -> int:
    """Latent frames that a further window goes on from; trained: those of a clip of training."""
    if sampling.history is None:
        return max(1, trained // 2)
    if sampling.history >= max(2, trained):
        raise ValueError(
            f"history={sampling.history} leaves nothing to add to windows of {trained} latent frames. "
            f"Try --history {max(1, trained // 2)}."
        )
    return sampling.history


def _check_network(model: VideoModel, latent: tuple[int, int, int], pixels: tuple[int, int, int]) -> None:
    """ValueError, in the words of one who generates, where the network cannot cut these latents into tokens."""
    config, (f, h, w), (num_frames, height, width) = model.config.denoiser, latent, pixels
    try:
        config.check_latents(latent)
    except ValueError as error:
        pf, ph, pw = config.patch
        halves = 2 ** (len(config.widths) - 1) if isinstance(config, UNetConfig) else 1
        rows, columns = height // h * ph * halves, width // w * pw * halves
        if height % rows or width % columns:
            nearest = " ".join(str(max(1, round(a / unit)) * unit) for a, unit in ((height, rows), (width, columns)))
            raise ValueError(
                f"frames of {height}x{width} do not fit this model: height must be a multiple of {rows}, width of "
                f"{columns}. Try --size {nearest}."
            ) from error
        if f % pf:
            raise ValueError(
                f"{num_frames} frames are {f} latent frames, and this model takes them {pf} at a time. "
                f"Try --frames {model.config.num_frames}."
            ) from error
        raise ValueError(
            f"{num_frames} frames of {height}x{width} are more than this model's learned positions reach. "
            "Ask for fewer frames or a smaller size."
        ) from error
