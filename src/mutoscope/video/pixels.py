"""Bytes on disk <-> floats in the networks, and the one rule for making small frames large.

Axes: c channel, F frame, H row, W column. Bytes are (F, H, W, 3), floats are (c, F, H, W) in [-1, 1].
"""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor


def to_uint8(frames: Float[Tensor, "c F H W"]) -> UInt8[np.ndarray, "F H W 3"]:
    """Turn floats in [-1, 1] into bytes: -1 becomes 0, 1 becomes 255, rounded to the nearest, clamped outside.

    Grey frames (c = 1) are repeated to three channels. Inverse of `to_frames` on bytes.
    Raises ValueError for other channel counts and for nan or infinity, which a picture would hide.
    """
    if frames.shape[0] not in (1, 3):
        raise ValueError(f"frames have {frames.shape[0]} channels; pass 1 (grey) or 3 (red, green, blue).")
    values = frames.detach().to("cpu", torch.float32)
    broken = int((~values.isfinite()).sum())
    if broken:
        raise ValueError(
            f"frames hold {broken} values of {values.numel()} that are nan or infinite; pass finite values in [-1, 1]."
        )
    pixels = ((values + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return rearrange(pixels.expand(3, -1, -1, -1), "c F H W -> F H W c").contiguous().numpy()


def to_frames(frames_u8: UInt8[np.ndarray, "F H W 3"]) -> Float[Tensor, "3 F H W"]:
    """Turn bytes into float32 in [-1, 1]: 0 becomes -1, 255 becomes 1."""
    values = torch.from_numpy(frames_u8.astype(np.float32))  # a copy: the caller's bytes stay the caller's
    return rearrange(values / 127.5 - 1, "F H W c -> c F H W").contiguous()


def enlarge(frames_u8: UInt8[np.ndarray, "F H W 3"], scale: int) -> UInt8[np.ndarray, "F {scale}*H {scale}*W 3"]:
    """Show every pixel as a square of scale x scale pixels (scale >= 1), without any smoothing."""
    if scale < 1:
        raise ValueError(f"scale={scale} does not fit: pass a whole number >= 1, and 1 to keep the size.")
    return frames_u8.repeat(scale, axis=1).repeat(scale, axis=2)


def check_frames_u8(frames_u8: np.ndarray) -> None:
    """Raise ValueError unless the array is a clip in bytes: uint8, (F, H, W, 3), no empty axis."""
    shape = frames_u8.shape
    if frames_u8.dtype != np.uint8 or len(shape) != 4 or shape[-1] != 3 or 0 in shape:
        raise ValueError(
            f"got {frames_u8.dtype} of shape {shape}; a clip is uint8 of shape (frames, height, width, 3) "
            "with at least one frame. Use to_uint8 for floats in [-1, 1]."
        )
