"""Are the videos copies of training clips? Each video's distance to the nearest one, beside that of real unseen clips.

Nearer than real clips get by chance is what a copy looks like; Carlini et al. 2023 (arXiv:2301.13188) find copies of
training images by the same kind of comparison.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.config import SpriteConfig
from ..data.sprites import SpriteClips
from .adherence import wilson
from .result import Measured, Memorisation, NearestPair

MAX_CLIPS = 1024  # training clips looked at, the first ones
CHUNK = 128  # of them in memory at a time
CONTROL_CLIPS = 48  # training clips that have to be found again
SLACK = 1e-6  # mean square by which rounding may mislead
NEAREST_SHARE = 0.01  # of unseen clips: nearer than these counts as a copy
PAIRS = 3


@dataclass(frozen=True)
class TrainedOn:
    """Which clips a run trained on: the first `clips` of split train of this seed."""

    seed: int
    clips: int


def training_chunks(config: SpriteConfig, trained_on: TrainedOn) -> Iterator[Float[Tensor, "n c F H W"]]:
    """The first training clips, in order, never twice the same."""
    source, count = SpriteClips(config, "train", trained_on.seed), num_looked_at(config, trained_on)
    for start in range(0, count, CHUNK):
        yield source.batch(range(start, min(count, start + CHUNK))).frames


def num_looked_at(config: SpriteConfig, trained_on: TrainedOn) -> int:
    """How many clips `training_chunks` gives."""
    return min(trained_on.clips, MAX_CLIPS, config.num_clips or MAX_CLIPS)


def nearest(
    clips: Float[Tensor, "n c F H W"], training: Iterator[Float[Tensor, "_ c F H W"]]
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """Pixel RMS (frames in [-1, 1]) to the nearest of the training clips, and its index."""
    flat = clips.flatten(1) + 1  # most pixels are black: as zeros they cost the product below no digits
    own = flat.square().sum(1)
    best, index, seen = torch.full((len(clips),), torch.inf), torch.zeros(len(clips), dtype=torch.long), 0
    for chunk in training:
        other = chunk.flatten(1) + 1
        rough = (own[:, None] + other.square().sum(1) - 2 * (flat @ other.T)) / flat.shape[1]
        rough, found = rough.min(dim=1)
        # The product is off where clips are nearly equal: what may be nearer is measured again, pixel by pixel.
        rows = (rough < best.square() + SLACK).nonzero()[:, 0]
        exact = (flat[rows] - other[found[rows]]).square().mean(dim=1).sqrt()
        nearer = exact < best[rows]
        best[rows[nearer]], index[rows[nearer]] = exact[nearer], found[rows[nearer]] + seen
        seen += len(chunk)
    return best, index


def memorisation(
    generated: Float[Tensor, "n c F H W"],
    unseen: Float[Tensor, "m c F H W"],
    unseen_too: Float[Tensor, "k c F H W"],
    control: Float[Tensor, "l c F H W"],
    config: SpriteConfig,
    trained_on: TrainedOn,
) -> Memorisation:
    """Compare with the training clips. One set of real unseen clips says what is near, the other what that is worth.

    control: training clips as the model would copy them, through its autoencoder. It has to be found.
    """
    sizes = [len(generated), len(unseen), len(unseen_too), len(control)]
    together = torch.cat([generated, unseen, unseen_too, control])  # training clips are drawn once for all of them
    distances, index = nearest(together, training_chunks(config, trained_on))
    own, real, reference, copies = distances.split(sizes)
    limit = reference.quantile(NEAREST_SHARE).item()
    share, real_share, control_share = ((d < limit).float().mean().item() for d in (own, real, copies))
    low, high = wilson(int((own < limit).sum()), len(own))
    return Memorisation(
        copied=Measured(value=share, low=low, high=high, ceiling=real_share, floor=control_share, count=len(own)),
        distance=Measured(
            value=own.median().item(), ceiling=real.median().item(), floor=copies.median().item(), count=len(own)
        ),
        limit=limit,
        training_clips=num_looked_at(config, trained_on),
        training_seed=trained_on.seed,
        nearest=tuple(
            NearestPair(video=i, training_clip=int(index[i]), distance=own[i].item())
            for i in own.argsort()[:PAIRS].tolist()
        ),
    )
