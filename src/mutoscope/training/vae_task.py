"""The first stage: reconstruct clips through the latents."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..vae.losses import draw_hardships, vae_loss
from ..vae.model import VideoVAE, latent_shape
from .seeds import normal_rows
from .task import Clips, Stopwatch, losses_by_shape


class VAETask:
    """Reconstruct clips through the latents."""

    name = "vae"

    def __init__(self, vae: VideoVAE, clips: Clips, seed: int):
        self.modules = nn.ModuleDict({"vae": vae})
        self.fetching = Stopwatch()
        self._clips, self._seed = clips, seed

    def loss(self, modules: nn.ModuleDict, indices: range) -> Float[Tensor, "b"]:
        """Clip i for number i."""
        vae: VideoVAE = modules["vae"]  # pyright: ignore[reportAssignmentType]
        return losses_by_shape(
            self._clips.shapes(indices), lambda group: self._loss(vae, [indices[place] for place in group])
        )

    def _loss(self, vae: VideoVAE, indices: list[int]) -> Float[Tensor, "n"]:
        """Of clips of one shape."""
        with self.fetching:
            frames = self._clips.batch(indices).frames
        shape, config = latent_shape(vae.config, *frames.shape[2:]), vae.config
        noise, choice = normal_rows(self._seed, "vae-noise", indices, shape)
        hardships = None
        if config.mask_share or config.scale_share:
            normal, _ = normal_rows(self._seed, "vae-mask", indices, (1, *shape[1:]))
            hardships = draw_hardships(choice, torch.special.ndtr(normal), config)
        weight = next(vae.parameters())
        return vae_loss(vae, frames.to(weight), noise.to(weight), config, hardships)
