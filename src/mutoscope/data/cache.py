"""Latents and token ids of many clips, encoded once and kept in one safetensors file."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..files import whole_file
from ..types import VideoBatch


@runtime_checkable
class ClipSource(Protocol):
    """Numbered clips."""

    def batch(self, indices: range) -> VideoBatch:
        """The clips of these numbers."""
        ...


def load_latents(path: Path, key: str) -> Float[Tensor, "n c f h w"] | None:
    """Cached latents, or None where there are none for this key (another VAE, other clips) or the file is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor("latents") if (file.metadata() or {}).get("key") == key else None
    except (OSError, SafetensorError):
        return None


@torch.no_grad()
def encode_latents(
    encode: Callable[[Float[Tensor, "b c F H W"]], Float[Tensor, "b k f h w"]],
    clips: ClipSource,
    num_clips: int,
    path: Path,
    key: str,
    batch_size: int = 32,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Float[Tensor, "n c f h w"]:
    """Latents of clips 0 … num_clips - 1, from the file where it is current, else encoded and written atomically."""
    cached = load_latents(path, key)
    if cached is not None and len(cached) == num_clips:
        return cached
    parts = []
    for first in range(0, num_clips, batch_size):
        indices = range(first, min(first + batch_size, num_clips))
        parts.append(encode(clips.batch(indices).frames).float())
        on_batch(indices[-1] + 1, num_clips)
    latents = torch.cat(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as half:
        save_file({"latents": latents}, half, metadata={"key": key})
    return latents
