"""From a prompt to a video: a loaded model, ready to use."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..model import VideoModel
from ..nn.precision import fast_device, fast_dtype
from ..samplers.config import SamplingConfig
from ..video.pixels import to_uint8
from ..video.resize import fit_clip
from .guided import check_weak_model
from .request import GenerateRequest
from .stream import OnStep, generate, seeded_draw, stream

__all__ = ["PACKAGED_MODEL", "GenerateRequest", "Pipeline", "check_weak_model", "generate", "seeded_draw", "stream"]

PACKAGED_MODEL = Path(__file__).parents[1] / "packaged"


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
        """The model of a run folder (or a model folder), on the GPU where there is one; none = the small one inside
        the package.

        dtype: arithmetic of the networks; none = bfloat16 where the device has it in hardware, else float32.
        The sampler's state is float32 always.
        weak_model: folder of a weaker model of the same VAE, to guide with; none = guide with the empty caption.
        """
        device = fast_device()
        dtype = dtype or fast_dtype(device.type)
        model = _load_model(PACKAGED_MODEL if run is None else Path(run)).to(device, dtype)
        return cls(model, None if weak_model is None else _load_model(Path(weak_model)).to(device, dtype))

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
        start: UInt8[np.ndarray, "*s H W 3"] | None = None,
        end: UInt8[np.ndarray, "H W 3"] | None = None,
    ) -> UInt8[np.ndarray, "F h w 3"]:
        """One video as uint8 (F, H, W, 3). What is not given is as the model was made for.

        start: a picture (H, W, 3) or a clip (F, H, W, 3) to go on from; end: a picture to end with. They are cropped
        and resized to the model's size.
        """
        sampling = self.sampling(steps, sampler, guidance_scale, eta, guidance, guidance_rescale)
        request = GenerateRequest(prompts=(prompt,), seeds=(seed,), num_frames=num_frames, sampling=sampling)
        first, last = (None if x is None else self.fit(x[None] if x.ndim == 3 else x) for x in (start, end))
        return np.concatenate([piece for (piece,) in self.stream(request, first, last)])

    def generate_many(
        self,
        prompts: list[str],
        seeds: list[int],
        num_frames: int | None = None,
        sampling: SamplingConfig | None = None,
        on_step: OnStep | None = None,
    ) -> list[UInt8[np.ndarray, "F h w 3"]]:
        """One video per prompt and seed, as one batch. sampling: see `sampling`; none = the model's own."""
        request = GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), num_frames=num_frames, sampling=sampling)
        pieces = list(self.stream(request, on_step=on_step))
        return [np.concatenate(video) for video in zip(*pieces, strict=True)]

    def stream(
        self,
        request: GenerateRequest,
        start: Float[Tensor, "n c s H W"] | None = None,
        end: Float[Tensor, "m c e H W"] | None = None,
        on_step: OnStep | None = None,
    ) -> Iterator[list[UInt8[np.ndarray, "F h w 3"]]]:
        """The videos in pieces, one of each at a time; memory for one piece. start and end: of `fit`, see
        `pipeline.stream.stream`. What the model cannot do is said at once, before the first piece is asked for.
        """
        pieces = stream(self.model, request, on_step, self.weak_model, start, end)
        return ([to_uint8(video) for video in frames] for frames in pieces)

    def fit(
        self, frames_u8: UInt8[np.ndarray, "F H W 3"], size: tuple[int, int] | None = None
    ) -> Float[Tensor, "1 c F h w"]:
        """A clip, cropped and resized to (height, width), with the model's channels; none = the model's size."""
        config = self.model.config
        frames = fit_clip(frames_u8, len(frames_u8), *(size or (config.height, config.width)))
        return (frames.mean(0, keepdim=True) if config.vae.channels == 1 else frames)[None]

    def sampling(
        self,
        steps: int | None = None,
        sampler: str | None = None,
        guidance_scale: float | None = None,
        eta: float | None = None,
        guidance: str | None = None,
        guidance_rescale: float | None = None,
        history: int | None = None,
        history_guidance: float | None = None,
    ) -> SamplingConfig:
        """The model's sampling settings with what is given put in their place; eta stays with its sampler."""
        given = {
            "steps": steps,
            "sampler": sampler,
            "guidance_scale": guidance_scale,
            "eta": eta if eta is not None or sampler in (None, "ddim") else 0.0,
            "guidance": guidance,
            "guidance_rescale": guidance_rescale,
            "history": history,
            "history_guidance": history_guidance,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return SamplingConfig.model_validate(self.model.config.sampling.model_dump() | changes)


def _load_model(folder: Path) -> VideoModel:
    inner = folder / "model"
    return VideoModel.load(inner if inner.is_dir() else folder)
