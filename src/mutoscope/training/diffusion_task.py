"""The second stage: predict the velocity (or what the configuration names) of cached latents, given their captions."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn

from ..data.buckets import epoch_order
from ..data.cache import LatentCache
from ..diffusion.config import DiffusionConfig
from ..diffusion.frame_times import NUM_CHOICES, check_frame_times, mixed_times
from ..diffusion.objective import diffusion_loss
from ..diffusion.paths import path_of
from ..diffusion.timesteps import even_uniforms, training_times
from ..model import VideoModel
from .captions import PreparedCaptions
from .seeds import generator, normal_rows, seed_of, uniform_rows
from .task import Latents, Stopwatch, losses_by_shape


class DiffusionTask:
    """Predict the velocity of cached latents, given their captions; trains the text encoder along."""

    name = "diffusion"

    def __init__(
        self,
        model: VideoModel,
        latents: Latents,
        captions: PreparedCaptions,
        config: DiffusionConfig,
        seed: int,
    ):
        check_frame_times(config, model.config.denoiser.patch[0])
        self.fetching = Stopwatch()
        self.modules = nn.ModuleDict({"denoiser": model.denoiser})
        self._has_text = model.config.denoiser.text
        if self._has_text:
            self.modules["text"] = model.text
        self._latents, self._captions = latents, captions
        self._config, self._seed = config, seed
        self._offset = seed_of(seed, "times") / 2**56
        self._orders: dict[int, Tensor] = {}  # of the epochs that the current batch touches
        self._buckets = _buckets_of(latents)

    def loss(self, modules: nn.ModuleDict, indices: range) -> Float[Tensor, "b"]:
        """Cached clip i mod n for number i, with fresh noise, times and caption dropout."""
        rows = self.order(indices)
        # In a plain tensor all are alike.
        shapes = self._latents.shapes(rows.tolist()) if isinstance(self._latents, LatentCache) else [()] * len(rows)
        return losses_by_shape(shapes, lambda group: self._loss(modules, [indices[k] for k in group], rows[group]))

    def _loss(self, modules: nn.ModuleDict, indices: Sequence[int], rows: Int[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Of the examples with these numbers, whose latents have one shape."""
        device = next(modules.parameters()).device
        with self.fetching:
            x0 = self._latents[rows].to(device, torch.float32)
        noise, uniform = normal_rows(self._seed, "noise", indices, tuple(x0.shape[1:]))
        t, given = training_times(even_uniforms(torch.tensor(indices), self._offset), self._config), None
        if self._config.per_frame:
            uniforms = uniform_rows(self._seed, "frame-times", indices, NUM_CHOICES + x0.shape[2])
            mixed = mixed_times(t, uniforms, self._config)
            t, given = mixed.t, mixed.given
        context = None
        if self._has_text:
            dropped = uniform < self._config.caption_dropout  # per example, never per batch
            with self.fetching:
                values, mask = self._captions.of(rows, dropped)
            context = modules["text"](values.to(device), mask.to(device))
        path, prediction, gamma = path_of(self._config), self._config.prediction, self._config.min_snr_gamma
        noise, t, given = noise.to(device), t.to(device), None if given is None else given.to(device)
        return diffusion_loss(modules["denoiser"], x0, context, t, noise, path, prediction, gamma, given)

    def order(self, indices: range) -> Int[Tensor, "b"]:
        """Row of the cache for each number: every epoch visits all rows once, in an order of its own.

        Where latents have several shapes, neighbours have the same, so that few batches must be split.
        """
        n = len(self._latents)
        epochs = range(indices[0] // n, indices[-1] // n + 1)
        self._orders = {e: self._orders[e] if e in self._orders else self._shuffle(e, n) for e in epochs}
        return torch.stack([self._orders[i // n][i % n] for i in indices])

    def _shuffle(self, epoch: int, n: int) -> Int[Tensor, "n"]:
        if self._buckets is None:
            return torch.randperm(n, generator=generator(self._seed, "order", epoch))
        random = np.random.default_rng(seed_of(self._seed, "order", epoch))
        return torch.from_numpy(epoch_order(self._buckets, random))


def _buckets_of(latents: Latents) -> Int64[np.ndarray, "n"] | None:
    """Which shape each row has, by number; None where there is only one."""
    shapes = latents.shapes(range(len(latents))) if isinstance(latents, LatentCache) else []
    kinds = sorted(set(shapes))
    return np.array([kinds.index(shape) for shape in shapes]) if len(kinds) > 1 else None
