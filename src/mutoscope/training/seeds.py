"""Randomness has an owner: this is the list of who draws what in training.

| purpose | one generator per | drawn for |
|---|---|---|
| weights | run | initial weights of all networks |
| vae-noise | clip index | reparameterisation, and which clips are halved or partly hidden |
| vae-mask | clip index | which latents are hidden |
| discriminator-weights | run | initial weights of the VAE's adversary |
| nearby | clip index | the small step from real clips at which the adversary's slope is measured |
| noise | clip index | diffusion noise and caption dropout |
| times | run | offset of the timestep sequence |
| frame-times | clip index | which latent frames are given, timesteps per frame |
| order | epoch | order of the cached clips |

Clip i of stage s is number (step * grad_accum + micro) * batch_size + row, so every draw is a function of the run's
seed and the step: a resumed run continues the same sequence, and how a batch is split changes nothing.
"""

from collections.abc import Sequence
from hashlib import blake2b

import torch
from jaxtyping import Float
from torch import Tensor


def seed_of(seed: int, purpose: str, index: int = 0) -> int:
    """A 56-bit seed that depends on all three; neighbours are unrelated."""
    return int.from_bytes(blake2b(f"{seed}/{purpose}/{index}".encode(), digest_size=7).digest(), "little")


def generator(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """A CPU generator of its own for one purpose."""
    return torch.Generator().manual_seed(seed_of(seed, purpose, index))


def normal_rows(
    seed: int, purpose: str, indices: Sequence[int], shape: tuple[int, ...]
) -> tuple[Float[Tensor, "b *s"], Float[Tensor, "b"]]:
    """Standard normal (len(indices), *shape) and one uniform each; row i depends on its index only."""
    generators = [generator(seed, purpose, i) for i in indices]
    uniforms = torch.stack([torch.rand((), generator=g) for g in generators])
    return torch.stack([torch.randn(shape, generator=g) for g in generators]), uniforms


def uniform_rows(seed: int, purpose: str, indices: Sequence[int], count: int) -> Float[Tensor, "b count"]:
    """Numbers in [0, 1), `count` for each index; row i depends on its index only."""
    return torch.stack([torch.rand(count, generator=generator(seed, purpose, i)) for i in indices])
