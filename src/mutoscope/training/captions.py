"""Captions of the cached clips, ready for the text encoder before the first step."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.text_cache import cached_embeddings
from ..model import VideoModel
from ..processes import ALONE, Processes
from ..text.pretrained import PretrainedEncoder


@dataclass(frozen=True)
class PreparedCaptions:
    """Every distinct caption once, the empty one first: values (m, l) or (m, l, d), mask (m, l), index (n,) by clip."""

    values: Tensor
    mask: Bool[Tensor, "m l"]
    index: Int[Tensor, "n"]

    def of(self, rows: Int[Tensor, "b"], dropped: Bool[Tensor, "b"]) -> tuple[Tensor, Bool[Tensor, "b l"]]:
        """Values and mask of the captions of these clips; of the empty caption where it is dropped."""
        chosen = torch.where(dropped, 0, self.index[rows])
        return self.values[chosen], self.mask[chosen]


def prepare_captions(
    model: VideoModel, captions: Sequence[str], cache: Path | None = None, processes: Processes = ALONE
) -> PreparedCaptions:
    """Read by the model's own reader; what a frozen encoder says of them is kept in the file `cache`.

    The processes share what there is to embed. Raises ValueError for a caption that is too long.
    """
    numbers = {"": 0}
    index = torch.tensor([numbers.setdefault(caption, len(numbers)) for caption in captions])
    distinct, reader = list(numbers), model.reader
    if cache is not None and isinstance(reader, PretrainedEncoder):
        values, mask = cached_embeddings(reader.encode, distinct, cache, reader.identity, processes)
    else:
        values, mask = model.prepare(distinct)
    longest = int(mask.sum(1).max())  # padding of all of them would only cost time and memory
    return PreparedCaptions(values[:, :longest], mask[:, :longest], index)
