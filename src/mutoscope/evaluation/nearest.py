"""Which clip is a video nearest to? In latents, where one number is a patch of picture over some frames."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def nearest(
    latents: Float[Tensor, "n c f h w"], bank: Float[Tensor, "m c f h w"]
) -> tuple[Float[Tensor, "n m"], Int[Tensor, " n"]]:
    """RMS difference to every clip of the bank, and the index of the nearest."""
    flat = latents.flatten(1).double()
    distances = torch.cdist(flat, bank.flatten(1).double()) / flat.shape[1] ** 0.5
    return distances, distances.argmin(dim=1)
