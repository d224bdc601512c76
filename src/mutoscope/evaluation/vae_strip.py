"""A clip through the autoencoder, to look at: what goes in, its latents, what comes out, and what was lost."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..model import VideoModel
from ..vae.config import PixelConfig
from ..video.pixels import to_uint8

MAX_CHANNELS = 16
LATENT_REACH = 3.0  # latents have unit variance: -3 is black, 3 is white
DIFFERENCE_GAIN = 4


@dataclass(frozen=True)
class VaeStrip:
    """One clip before and after the autoencoder, and its latents (normalised) between."""

    frames_u8: UInt8[np.ndarray, "F H W 3"]
    latents: Float[np.ndarray, "c f h w"]
    reconstruction_u8: UInt8[np.ndarray, "F H W 3"]

    @property
    def difference_u8(self) -> UInt8[np.ndarray, "F H W 3"]:
        """How far each byte is from the original, DIFFERENCE_GAIN times."""
        gap = np.abs(self.frames_u8.astype(np.int16) - self.reconstruction_u8.astype(np.int16))
        return np.minimum(DIFFERENCE_GAIN * gap, 255).astype(np.uint8)

    def spans(self, most: int) -> tuple[list[int], int]:
        """Frames that each latent frame adds, as far as `most` frames can be shown; and how many those are."""
        num_frames, num_latents = len(self.frames_u8), self.latents.shape[1]
        stride = (num_frames - 1) // (num_latents - 1) if num_latents > 1 else 1
        causal = num_latents > 1 and 1 + stride * (num_latents - 1) == num_frames
        if not causal:
            stride = max(1, num_frames // num_latents)
        shown = num_frames
        while shown > most:
            shown -= stride
        spans: list[int] = []
        for index in range(num_latents):
            span = 1 if causal and index == 0 else stride
            if sum(spans) + span > shown:
                break
            spans.append(span)
        return spans, shown

    def mosaic(self, index: int) -> UInt8[np.ndarray, "h w"]:
        """Channels of a latent frame beside each other, two in a row (four from nine on), as grey bytes."""
        latent = self.latents[:MAX_CHANNELS, index]
        channels, height, width = latent.shape
        across = 1 if channels == 1 else 2 if channels <= 8 else 4
        down = -(-channels // across)
        grey = np.clip((latent + LATENT_REACH) / (2 * LATENT_REACH) * 255, 0, 255).astype(np.uint8)
        sheet = np.zeros((down * height, across * width), np.uint8)
        for k in range(channels):
            row, column = divmod(k, across)
            sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = grey[k]
        return sheet


def in_pixels(model: VideoModel) -> bool:
    """Whether there is no VAE to measure or to show."""
    return isinstance(model.config.vae, PixelConfig)


def vae_strip(model: VideoModel, frames: Float[Tensor, "1 c F H W"]) -> VaeStrip | None:
    """One clip, its latents and its reconstruction; None without a VAE."""
    if in_pixels(model):
        return None
    with torch.no_grad():
        latents = model.encode(frames)
        rebuilt = model.decode(latents)
    return VaeStrip(to_uint8(frames[0]), latents[0].float().cpu().numpy(), to_uint8(rebuilt[0].cpu()))
