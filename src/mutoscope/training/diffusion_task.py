"""The second stage: predict the velocity (or what the configuration names) of cached latents, given their captions."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..diffusion.config import DiffusionConfig
from ..diffusion.objective import diffusion_loss
from ..diffusion.paths import path_of
from ..diffusion.timesteps import even_uniforms, training_times
from ..model import VideoModel
from .seeds import generator, normal_rows, seed_of


class DiffusionTask:
    """Predict the velocity of cached latents, given their captions; trains the text encoder along."""

    name = "diffusion"

    def __init__(
        self,
        model: VideoModel,
        latents: Float[Tensor, "n c f h w"],
        ids: Int[Tensor, "n l"],
        mask: Bool[Tensor, "n l"],
        config: DiffusionConfig,
        seed: int,
    ):
        self.modules = nn.ModuleDict({"denoiser": model.denoiser})
        self._has_text = model.config.denoiser.text
        if self._has_text:
            self.modules["text"] = model.text
        self._latents, self._ids, self._mask = latents, ids, mask
        self._null_ids, self._null_mask = (x[0] for x in model.tokenizer.encode([""]))
        self._config, self._seed = config, seed
        self._offset = seed_of(seed, "times") / 2**56
        self._orders: dict[int, Tensor] = {}  # of the epochs that the current batch touches

    def loss(self, modules: nn.ModuleDict, indices: range) -> Float[Tensor, "b"]:
        """Cached clip i mod n for number i, with fresh noise, time and caption dropout."""
        rows = self.order(indices)
        x0 = self._latents[rows].float()
        noise, uniform = normal_rows(self._seed, "noise", indices, tuple(x0.shape[1:]))
        t = training_times(even_uniforms(torch.tensor(indices), self._offset), self._config)
        context = None
        if self._has_text:
            dropped = (uniform < self._config.caption_dropout)[:, None]  # per example, never per batch
            ids = torch.where(dropped, self._null_ids, self._ids[rows])
            context = modules["text"](ids, torch.where(dropped, self._null_mask, self._mask[rows]))
        path, prediction, gamma = path_of(self._config), self._config.prediction, self._config.min_snr_gamma
        return diffusion_loss(modules["denoiser"], x0, context, t, noise, path, prediction, gamma)

    def order(self, indices: range) -> Int[Tensor, "b"]:
        """Row of the cache for each number: every epoch visits all rows once, in an order of its own."""
        n = len(self._latents)
        epochs = range(indices[0] // n, indices[-1] // n + 1)
        self._orders = {e: self._orders[e] if e in self._orders else self._shuffle(e, n) for e in epochs}
        return torch.stack([self._orders[i // n][i % n] for i in indices])

    def _shuffle(self, epoch: int, n: int) -> Int[Tensor, "n"]:
        return torch.randperm(n, generator=generator(self._seed, "order", epoch))
