"""Timesteps of training: one for a whole clip, or one per latent frame, so that one network also continues videos."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .config import DiffusionConfig
from .timesteps import training_times

MIXTURE, PREFIX = 0, 1  # columns of the uniforms that decide what an example is, and how much of it is given
NUM_CHOICES = 2  # columns before those of the frames


@dataclass(frozen=True)
class FrameTimes:
    """Diffusion times (b, f), and which latent frames are given: nothing is to be learned from those."""

    t: Float[Tensor, "b f"]
    given: Bool[Tensor, "b f"]


def check_frame_times(config: DiffusionConfig, frames_per_token: int) -> None:
    """ValueError for timesteps per latent frame where the network's tokens cover several of them."""
    if config.per_frame and frames_per_token > 1:
        raise ValueError(
            f"timesteps per latent frame (sorted_share, prefix_share, between_share) need tokens of one latent frame, "
            f"got {frames_per_token}. Use a --denoiser.patch that begins with 1."
        )


def mixed_times(
    shared: Float[Tensor, "b"], uniforms: Float[Tensor, "b two_and_f"], config: DiffusionConfig
) -> FrameTimes:
    """Times per latent frame in the shares of the configuration; what is left over has the `shared` time everywhere.

    sorted_share: a time of its own for each frame, increasing, so that earlier frames are never noisier (AR-Diffusion,
        Sun et al. 2025, arXiv:2503.07418). Sorted independent draws are uniform over all such sequences.
    prefix_share: the first k frames are given at `given_noise`, k from 1 to f - 1 equally often (Diffusion Forcing's
        roll-out, Chen et al. 2024, arXiv:2407.01392; fixed prefixes are enough here), the others at the shared time.
    between_share: the first and the last frame are given.

    uniforms: in [0, 1), one row per example: what it is, k, then one per frame. Where a clip is too short for its
    kind (a picture has no earlier frames), its time is shared.
    """
    f = uniforms.shape[1] - NUM_CHOICES
    frame = torch.arange(f)
    ends = torch.tensor([config.sorted_share, config.prefix_share, config.between_share]).cumsum(0)
    kind = (uniforms[:, MIXTURE, None] >= ends).sum(1, keepdim=True)  # 0 sorted, 1 prefix, 2 between, 3 shared
    own, _ = training_times(uniforms[:, NUM_CHOICES:], config).sort(dim=1)
    num_given = 1 + (uniforms[:, PREFIX, None] * (f - 1)).floor()
    prefix = (kind == 1) & (frame < num_given) & (f > 1)
    between = (kind == 2) & ((frame == 0) | (frame == f - 1)) & (f > 2)
    given = prefix | between
    t = torch.where(kind == 0, own, shared[:, None])
    return FrameTimes(torch.where(given, config.given_noise, t), given)
