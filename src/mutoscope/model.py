"""VideoModel: the VAE, caption reader, text encoder and denoiser that belong together; save and load."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .denoisers.build import build_denoiser
from .diffusion.paths import Path as NoisePath
from .diffusion.paths import path_of
from .diffusion.predictions import to_x0
from .files import whole_file
from .model_config import CONFIG, WEIGHTS, ModelConfig
from .text.build import CaptionReader, build_text_encoder, load_reader, reader_file
from .types import Context, Denoiser
from .vae.build import build_autoencoder
from .vae.model import latent_shape


class VideoModel(nn.Module):
    """Text to latents to frames. Built with random weights; `load` fills them."""

    def __init__(self, config: ModelConfig, reader: CaptionReader):
        super().__init__()
        self.config = config
        self.reader = reader
        self.vae = build_autoencoder(config.vae)
        self.text = build_text_encoder(config.text, reader)
        self.denoiser = build_denoiser(config.denoiser, config.vae.latent_channels, config.text.model_dim)

    @property
    def path(self) -> NoisePath:
        """The noising path that the denoiser was trained on."""
        return path_of(self.config.diffusion)

    @property
    def dtype(self) -> torch.dtype:
        """Arithmetic of the networks."""
        return next(self.denoiser.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """Where the networks compute."""
        return next(self.denoiser.parameters()).device

    def latent_shape(self, num_frames: int) -> tuple[int, int, int, int]:
        """(channels, frames, rows, columns) of latents for clips of this length; ValueError where it does not fit."""
        return latent_shape(self.config.vae, num_frames, self.config.height, self.config.width)

    def prepare(self, captions: Sequence[str]) -> tuple[Tensor, Bool[Tensor, "b l"]]:
        """What `text` takes: token ids (b, l), or a frozen encoder's states (b, l, d), and which of them are real.

        Raises ValueError for a caption that is too long, or where the frozen encoder is not the one of training.
        """
        return self.reader.encode(captions)

    def context(self, captions: Sequence[str]) -> Context:
        """Text context of captions; "" is the null context that guidance pushes away from."""
        values, mask = self.prepare(captions)
        return self.text(values.to(self.device), mask.to(self.device))

    def x0_denoiser(self, context: Context | None) -> Denoiser:
        """The two-argument function that samplers see: (xt, t) -> estimate of x0, float32."""

        def denoise(xt: Float[Tensor, "b c f h w"], t: Float[Tensor, "..."]) -> Float[Tensor, "b c f h w"]:
            output = self.denoiser(xt.to(self.dtype), t.to(xt.device), context)
            return to_x0(output, xt, t, self.path, self.config.diffusion.prediction)

        return denoise

    def decode(self, latents: Float[Tensor, "b k f h w"]) -> Float[Tensor, "b c F H W"]:
        """Frames in [-1, 1], float32, on the model's device."""
        return self.vae.decode(latents.to(self.device, self.dtype)).float().clamp(-1, 1)

    def encode(self, frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b k f h w"]:
        """Normalised latents, float32, on the model's device."""
        return self.vae.encode(frames.to(self.device, self.dtype)).float()

    def save(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Write config.json, the reader's file and weights.safetensors; the weights come last and atomically."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(self.config.model_dump_json(indent=1))
        self.reader.save(folder / reader_file(self.config.text))
        with whole_file(folder / WEIGHTS) as half:
            save_file({k: v.detach().to("cpu", dtype).contiguous() for k, v in self.state_dict().items()}, half)

    @classmethod
    def load(cls, folder: Path) -> "VideoModel":
        """Read a saved model, float32, in evaluation mode. ValueError, in one line, for anything else."""
        _check_there(folder, CONFIG)
        try:
            config = ModelConfig.model_validate(json.loads((folder / CONFIG).read_text()))
        except (ValidationError, ValueError) as error:
            raise ValueError(
                f"{folder / CONFIG} is not a model of this version: {str(error).splitlines()[0][:120]}"
            ) from error
        _check_there(folder, reader_file(config.text))
        _check_there(folder, WEIGHTS)
        reader = load_reader(config.text, folder / reader_file(config.text))
        try:
            weights = load_file(folder / WEIGHTS)
        except (SafetensorError, OSError) as error:
            raise ValueError(
                f"{folder / WEIGHTS} is damaged ({str(error)[:80]}). Train again or restore it."
            ) from error
        model = cls(config, reader)
        expected = model.state_dict()
        wrong = sorted(expected.keys() ^ weights.keys()) + [
            k for k in expected.keys() & weights.keys() if expected[k].shape != weights[k].shape
        ]
        if wrong:
            raise ValueError(
                f"{folder / WEIGHTS} does not fit its config.json: {len(wrong)} tensors differ, first {wrong[0]!r}."
            )
        model.load_state_dict({k: v.float() for k, v in weights.items()})
        return model.eval()


def _check_there(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise ValueError(
            f"{folder} holds no trained model ({name} is missing). Train one: mutoscope train demo --out DIR"
        )
