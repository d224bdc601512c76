"""Does the background stand still? The change between neighbouring frames where nothing moves.

The idea is VBench's temporal flickering (Huang et al. 2023, arXiv:2311.17982), which keeps whole static videos; here
the still part of every video is known: everything away from the tracked sprite.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .tracking import track

MARGIN = 3  # pixels: a digit's centroid lies up to this far from the middle of its square
LEVELS = 255.0


def flicker(frames: Float[Tensor, "b c F H W"], sprite_size: int) -> Float[Tensor, " b"]:
    """Mean absolute change of background pixels from frame to frame, in grey levels of 255; NaN without background."""
    still = background_of(frames, sprite_size)
    still = still[:, 1:] & still[:, :-1]
    change = (frames[:, :, 1:] - frames[:, :, :-1]).abs().mean(dim=1) * LEVELS / 2
    return (change * still).sum(dim=(1, 2, 3)) / still.sum(dim=(1, 2, 3))


def background_of(frames: Float[Tensor, "b c F H W"], sprite_size: int) -> Bool[Tensor, "b F H W"]:
    """Pixels outside the square around the tracked sprite. A threshold would excuse every flicker brighter than it."""
    centres, reach = track(frames).centres, sprite_size / 2 + MARGIN
    height, width = frames.shape[3:]
    rows = (torch.arange(height, device=frames.device) - centres[..., :1]).abs() > reach  # (b, F, H)
    columns = (torch.arange(width, device=frames.device) - centres[..., 1:]).abs() > reach  # (b, F, W)
    return rows[..., :, None] | columns[..., None, :]
