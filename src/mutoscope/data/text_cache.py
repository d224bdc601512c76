"""Embeddings of captions by a frozen text encoder, made once per distinct caption and kept in one safetensors file."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from ..files import whole_file
from ..processes import ALONE, Processes

CAPTIONS_AT_ONCE = 64

Embed = Callable[[list[str]], tuple[Tensor, Tensor]]
"""Captions -> token states (n, l, d) and which of them are real, (n, l); l may differ from call to call."""


@torch.no_grad()
def cached_embeddings(
    embed: Embed, captions: Sequence[str], path: Path, key: str, processes: Processes = ALONE
) -> tuple[Float[Tensor, "n l d"], Bool[Tensor, "n l"]]:
    """Token states and mask of each caption, from the file `path` where it has them, else embedded and added to it.

    Captions that occur again are embedded once. Shorter ones are padded with zeros, masked False. key: the identity of
    the encoder; a file of another one, or a damaged one, is made anew.
    """
    known = _read(path, key)
    missing = sorted(set(captions) - set(known))
    new = processes.spread(missing, lambda part: _embedded(embed, part)) if missing else {}
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, key, known | new)
    processes.wait()
    known = _read(path, key)
    lengths = torch.tensor([len(known[caption]) for caption in captions])
    longest = int(lengths.max())
    padded = [F.pad(known[caption], (0, 0, 0, longest - len(known[caption]))) for caption in captions]
    return torch.stack(padded), torch.arange(longest) < lengths[:, None]


def _embedded(embed: Embed, captions: Sequence[str]) -> dict[str, Tensor]:
    """Real tokens (l, d) by caption."""
    known = {}
    for first in range(0, len(captions), CAPTIONS_AT_ONCE):
        part = list(captions[first : first + CAPTIONS_AT_ONCE])
        for caption, tokens, mask in zip(part, *embed(part), strict=True):
            known[caption] = tokens[mask]
    return known


def _write(path: Path, key: str, known: dict[str, Tensor]) -> None:
    """All real tokens one after the other: no padding is stored."""
    tensors = {"tokens": torch.cat(list(known.values())), "lengths": torch.tensor([len(v) for v in known.values()])}
    with whole_file(path) as half:
        save_file(tensors, half, metadata={"key": key, "captions": json.dumps(list(known))})


def _read(path: Path, key: str) -> dict[str, Tensor]:
    """Real tokens (l, d) by caption; empty where there are none for this key or the file is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("key") != key:
                return {}
            tokens = file.get_tensor("tokens").split(file.get_tensor("lengths").tolist())
            return dict(zip(json.loads(metadata["captions"]), tokens, strict=True))
    except (OSError, SafetensorError):
        return {}
