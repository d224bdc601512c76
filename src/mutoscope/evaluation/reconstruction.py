"""How much of a frame survives the autoencoder: PSNR and SSIM per frame, on clips it never saw."""

import torch
from jaxtyping import Float
from torch import Tensor

DATA_RANGE = 2.0  # frames are in [-1, 1]


def psnr(frames: Float[Tensor, "b c F H W"], reference: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b F"]:
    """Peak signal-to-noise ratio of each frame in dB, for data in [-1, 1]; capped at 100 dB (equal frames)."""
    from torchmetrics.functional.image import peak_signal_noise_ratio as ratio

    each = ratio(_flat(frames), _flat(reference), data_range=DATA_RANGE, reduction="none", dim=(1, 2, 3))  # (b F)
    return each.clamp(max=100).unflatten(0, (len(frames), frames.shape[2]))


def ssim(frames: Float[Tensor, "b c F H W"], reference: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b F"]:
    """Structural similarity of each frame (Wang et al. 2004), 1 = equal, for data in [-1, 1]."""
    from torchmetrics.functional.image import structural_similarity_index_measure as similarity

    each = similarity(_flat(frames), _flat(reference), data_range=DATA_RANGE, reduction="none")
    assert isinstance(each, Tensor)
    return each.unflatten(0, (len(frames), frames.shape[2]))


def _flat(frames: Tensor) -> Tensor:
    """All frames of all clips: (b F) c H W."""
    return frames.clamp(-1, 1).transpose(1, 2).flatten(0, 1).float()


def background(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b c F H W"]:
    """The clip that a broken autoencoder gives back: every pixel the darkest value of its clip. The floor of PSNR."""
    return torch.zeros_like(frames) + frames.amin(dim=(1, 2, 3, 4), keepdim=True)
