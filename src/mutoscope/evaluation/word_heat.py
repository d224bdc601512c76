"""What a word looks at, as heat over the video."""

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

HEAT = np.array([255, 120, 0], np.float32)
GREY, HOTTEST = 0.8, 0.65  # how bright the video is under the heat, how much of it the heat hides


def overlay(
    frames_u8: UInt8[np.ndarray, "F H W 3"], heat: Float[Tensor, "F h w"], scale: int
) -> UInt8[np.ndarray, "F {scale}*H {scale}*W 3"]:
    """The video in grey under its heat of 0 to 1, each pixel as scale x scale ones."""
    grey = GREY * frames_u8.mean(-1, dtype=np.float32).repeat(scale, axis=1).repeat(scale, axis=2)[..., None]
    smooth = F.interpolate(heat[:, None], size=grey.shape[1:3], mode="bilinear")[:, 0, :, :, None].numpy() * HOTTEST
    return (grey * (1 - smooth) + HEAT * smooth).round().astype(np.uint8)
