"""Frames of any size -> frames of the size a model wants. Time is never interpolated: frames are chosen, not mixed.

Axes: b batch, c channel, F frame, H row, W column.
"""

import numpy as np
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from mutoscope.video.pixels import check_frames_u8, to_frames


def resize(frames: Float[Tensor, "b c F H W"], height: int, width: int) -> Float[Tensor, "b c F {height} {width}"]:
    """Scale every frame to height x width with an antialiased bicubic filter (Keys 1981).

    frames in [-1, 1]; the result is clamped to [-1, 1], because the filter overshoots at edges. Frames that have the
    size already are returned as they are. Raises ValueError for a size below 1.
    """
    _check_size(height, width)
    if frames.shape[-2:] == (height, width):
        return frames
    pictures = rearrange(frames, "b c F H W -> (b F) c H W")
    pictures = interpolate(pictures, size=(height, width), mode="bicubic", antialias=True, align_corners=False)
    return rearrange(pictures.clamp(-1, 1), "(b F) c H W -> b c F H W", b=len(frames))


def frame_stride(available: int, num_frames: int) -> int:
    """How many frames to step so that num_frames evenly spaced ones cover most of a clip of `available` frames.

    The largest whole s with 1 + s * (num_frames - 1) <= available (1 for a single frame); the chosen frames are
    0, s, 2s, ... and are shown at fps / s. Raises ValueError if the clip is shorter than num_frames.
    """
    if num_frames < 1:
        raise ValueError(f"num_frames={num_frames} does not fit: pass a number >= 1.")
    if available < num_frames:
        raise ValueError(
            f"the clip has {available} frames, {num_frames} are needed; pass a longer clip or num_frames={available}."
        )
    return (available - 1) // (num_frames - 1) if num_frames > 1 else 1


def fit_clip(
    frames_u8: UInt8[np.ndarray, "F H W 3"], num_frames: int, height: int, width: int
) -> Float[Tensor, "3 {num_frames} {height} {width}"]:
    """Cut a clip to a model's shape: evenly spaced frames from the start, centre crop to the aspect ratio, resize.

    Takes frames 0, s, 2s, ... with s = `frame_stride`, so motion stays even and is s times as fast. The crop is the
    largest centred rectangle of the shape height : width, to the nearest pixel. Returns float32 in [-1, 1].
    Raises ValueError if the clip is shorter than num_frames or a size is below 1.
    """
    check_frames_u8(frames_u8)
    _check_size(height, width)
    stride = frame_stride(len(frames_u8), num_frames)
    chosen = _centre_crop(frames_u8[::stride][:num_frames], height / width)
    return resize(to_frames(chosen)[None], height, width)[0]


def _centre_crop(frames_u8: np.ndarray, aspect: float) -> np.ndarray:
    """The largest centred rectangle with height / width = aspect."""
    full_height, full_width = frames_u8.shape[1:3]
    height = min(full_height, max(1, round(full_width * aspect)))
    width = min(full_width, max(1, round(full_height / aspect)))
    top, left = (full_height - height) // 2, (full_width - width) // 2
    return frames_u8[:, top : top + height, left : left + width]


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ValueError(f"height={height}, width={width} does not fit: both must be >= 1 pixel.")
