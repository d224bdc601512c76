"""After the VAE's own training: the decoder learns to look real. Encoder and latents stay as they are."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..data.buckets import alike
from ..vae.discriminator import Discriminator, balance, discriminator_loss, generator_loss
from ..vae.losses import reconstruction_loss
from ..vae.model import VideoVAE, latent_shape
from .config import StageConfig
from .seeds import normal_rows, seed_of
from .task import Clips, Stopwatch, losses_by_shape

RAMP_SHARE = 0.2  # of the stage: a discriminator that knows nothing yet has nothing to say
CHECK_EVERY = 25  # steps
CHECK_CLIPS = range(16)
WORST_LOSS_DB = 1.0


class WorseReconstruction(ValueError):
    """What the decoder gained in looks it lost in likeness."""


class AdversarialTask:
    """Reconstruct clips such that a discriminator, trained beside it, takes them for real ones.

    Only the decoder learns (as in the last phase of DC-AE, Chen et al. 2024, arXiv:2410.10733): latents and their
    statistics stay as they are.
    """

    name = "adversarial"

    def __init__(self, vae: VideoVAE, clips: Clips, seed: int, config: StageConfig):
        with torch.random.fork_rng(devices=[]):  # initial weights are the one draw that takes no generator
            torch.manual_seed(seed_of(seed, "discriminator-weights"))
            discriminator = Discriminator(vae.config.channels)
        for name, parameter in vae.named_parameters():
            parameter.requires_grad_(name.startswith("decoder."))
        self.modules = nn.ModuleDict({"vae": vae, "discriminator": discriminator})
        self.fetching = Stopwatch()
        self._clips, self._seed = clips, seed
        self._ramp = RAMP_SHARE * config.steps * config.batch_size * config.grad_accum  # examples
        self._before = self._psnr(vae)

    def loss(self, modules: nn.ModuleDict, indices: range) -> Float[Tensor, "b"]:
        """Reconstruction + what the discriminator sees in it + the discriminator's own loss.

        The balance between the first two is that of the clips computed together; all else depends on the number only.
        """
        vae: VideoVAE = modules["vae"]  # pyright: ignore[reportAssignmentType]
        discriminator: Discriminator = modules["discriminator"]  # pyright: ignore[reportAssignmentType]
        return losses_by_shape(
            self._clips.shapes(indices),
            lambda group: self._loss(vae, discriminator, [indices[place] for place in group]),
        )

    def _loss(self, vae: VideoVAE, discriminator: Discriminator, indices: list[int]) -> Float[Tensor, "n"]:
        """Of clips of one shape."""
        weight = next(vae.parameters())
        with self.fetching:
            frames = self._clips.batch(indices).frames.to(weight)
        noise, _ = normal_rows(self._seed, "vae-noise", indices, latent_shape(vae.config, *frames.shape[2:]))
        nearby, _ = normal_rows(self._seed, "nearby", indices, tuple(frames.shape[1:]))
        with torch.no_grad():
            latents = vae.posterior(frames).sample(noise.to(weight))
        decoded = vae.decode_raw(latents)
        likeness = reconstruction_loss(decoded - frames, vae.config)
        looks = generator_loss(discriminator, decoded)
        ramp = torch.tensor([min(1.0, i / self._ramp) for i in indices], device=weight.device)
        factor = balance(likeness.mean(), looks.mean(), vae.decoder.head.weight)  # pyright: ignore[reportArgumentType]
        wanted = likeness + vae.config.adversarial_weight * factor * ramp * looks
        return wanted + discriminator_loss(discriminator, frames, decoded, nearby.to(weight))

    def check(self, averaged: nn.ModuleDict, step: int) -> None:
        """Raise WorseReconstruction where reconstruction has suffered; to be called every CHECK_EVERY steps."""
        now = self._psnr(averaged["vae"])  # pyright: ignore[reportArgumentType]
        if not now > self._before - WORST_LOSS_DB:  # also where it is NaN
            raise WorseReconstruction(f"PSNR fell from {self._before:.2f} to {now:.2f} dB by step {step}")

    @torch.no_grad()
    def _psnr(self, vae: VideoVAE) -> float:
        """In dB, of a few clips."""
        errors = []
        for group in alike(self._clips.shapes(CHECK_CLIPS)):
            frames = self._clips.batch([CHECK_CLIPS[place] for place in group]).frames.to(vae.latent_mean.device)
            errors.append((vae.decode_raw(vae.encode_raw(frames)).clamp(-1, 1) - frames).square().flatten())
        return 10 * math.log10(4 / max(float(torch.cat(errors).mean()), 1e-10))
