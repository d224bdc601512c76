"""Clips of several shapes: which clip goes into which, and batches in which all are alike."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from .config import ClipShape

BLOCK = 64
"""Neighbouring clips of an epoch that have one shape: most batches then need not be split."""


def bucket_of(available: int, height: int, width: int, shapes: Sequence[ClipShape]) -> int | None:
    """Number of the shape for a clip of height x width: nearest in aspect ratio, then the most frames.

    available: frames that the clip has. None where every shape asks for more.
    """
    aspect = math.log(height / width)
    fitting = [
        (abs(aspect - math.log(h / w)), -frames, number)
        for number, (frames, h, w) in enumerate(shapes)
        if frames <= available
    ]
    return min(fitting)[2] if fitting else None


def epoch_order(buckets: Int64[np.ndarray, "n"], generator: np.random.Generator) -> Int64[np.ndarray, "n"]:
    """A random order of clips 0 … n - 1 in which blocks of neighbours are of one bucket.

    buckets: of each clip. With a single one it is a plain permutation.
    """
    blocks: list[np.ndarray] = []
    for bucket in np.unique(buckets):
        members = generator.permutation(np.flatnonzero(buckets == bucket))
        blocks += [members[first : first + BLOCK] for first in range(0, len(members), BLOCK)]
    return np.concatenate([blocks[k] for k in generator.permutation(len(blocks))])


def alike(shapes: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Places of equal shapes, together: what can be one batch."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, shape in enumerate(shapes):
        places.setdefault(shape, []).append(place)
    return list(places.values())
