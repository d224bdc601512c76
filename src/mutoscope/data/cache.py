"""Latents of many clips, encoded once and kept in safetensors shards of a run.

`index.json` names the key and, in the order of the clips, the shards. For every shape of latents that it holds, a shard
has a tensor `CxFxHxW` (m, c, f, h, w) and a tensor `CxFxHxW.rows` (m,): which clips these are. Latents are kept in
float32, so a cached clip is the encoded one to the bit.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..config import Config
from ..files import crc32_of, whole_file
from ..processes import ALONE, Processes
from ..types import VideoBatch
from .buckets import alike

SHARD_BYTES = 64 * 2**20
"""A killed encoding loses at most the shard that it was filling."""
HELD_BYTES = 2 * 2**30
"""A cache up to this size is held in memory; of a larger one the rows are read from its files."""
BATCH_PIXELS = 2**22
"""Pixels (frames x rows x columns) encoded at a time: 32 clips of 17 frames of 64 x 64, or one large one."""

INDEX = "index.json"


@runtime_checkable
class ClipSource(Protocol):
    """Numbered clips: number i is always the same clip."""

    def batch(self, indices: Sequence[int]) -> VideoBatch:
        """The clips of these numbers, all of one shape."""
        ...

    def shapes(self, indices: Sequence[int]) -> list[tuple[int, int, int]]:
        """(frames, rows, columns) of each."""
        ...


class Shard(Config):
    """One file of the cache, whole or absent."""

    file: str
    num_clips: int
    num_bytes: int
    crc32: int


class Index(Config):
    """index.json."""

    key: str
    """Changes with everything that latents depend on."""
    shards: tuple[Shard, ...] = ()

    @property
    def num_clips(self) -> int:
        """Clips 0 … num_clips - 1 are there."""
        return sum(shard.num_clips for shard in self.shards)

    @property
    def num_bytes(self) -> int:
        """Size of all shards."""
        return sum(shard.num_bytes for shard in self.shards)


class LatentCache:
    """Latents by row; row i is clip i."""

    def __init__(self, folder: Path, index: Index, num_clips: int):
        """The first num_clips of what the shards in `folder` hold."""
        held = index.num_bytes <= HELD_BYTES
        self._shards = [_open(folder / shard.file, held) for shard in index.shards]
        self._shapes = sorted({name for shard in self._shards for name in shard if not name.endswith(".rows")})
        self._where = torch.empty(num_clips, 3, dtype=torch.long)  # shard, shape, place in the shard's tensor
        for number, shard in enumerate(self._shards):
            for kind, name in enumerate(self._shapes):
                if name in shard:
                    rows = shard[f"{name}.rows"][:]
                    rows = rows[rows < num_clips]  # in order, so their places are 0, 1, …
                    self._where[rows, 0], self._where[rows, 1] = number, kind
                    self._where[rows, 2] = torch.arange(len(rows))

    def __len__(self) -> int:
        return len(self._where)

    def to(self, device: torch.device) -> "LatentCache":
        """The same cache, with the latents that memory holds on `device`, so that batches need not travel there."""
        for shard in self._shards:
            shard |= {name: rows.to(device) for name, rows in shard.items() if isinstance(rows, Tensor)}
        return self

    def __getitem__(self, rows: Int[Tensor, "n"]) -> Float[Tensor, "n c f h w"]:
        """Latents of rows that have one shape, float32. ValueError where they have several."""
        where = self._where[rows].tolist()
        if len({kind for _, kind, _ in where}) > 1:
            raise ValueError("got rows of several shapes; ask for rows of one shape at a time (see shapes()).")
        return torch.stack([self._shards[shard][self._shapes[kind]][place] for shard, kind, place in where])

    def shapes(self, rows: Sequence[int]) -> list[tuple[int, int, int, int]]:
        """(channels, frames, rows, columns) of the latents of each row."""
        return [_shape(self._shapes[kind]) for kind in self._where[list(rows), 1].tolist()]


@torch.no_grad()
def encode_latents(
    encode: Callable[[Float[Tensor, "b c F H W"]], Float[Tensor, "b k f h w"]],
    clips: ClipSource,
    num_clips: int,
    folder: Path,
    key: str,
    batch_size: int = 32,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
    on_notice: Callable[[str], None] = lambda line: None,
    processes: Processes = ALONE,
) -> LatentCache:
    """Latents of clips 0 … num_clips - 1, from the shards in `folder` where these are current, else encoded now.

    What another call has finished under the same key is used, also where it was interrupted or asked for fewer clips.
    key: changes with everything that latents depend on. on_batch: (clips done, clips in all) after every batch.
    on_notice: a line that says why, where shards that are there cannot be used. processes share the work; the first one
    writes, all read, so the folder must be the same for all. OSError where the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = processes.from_first(_usable(folder, key, on_notice) if processes.first else None)
    pending: dict[int, Tensor] = {}
    for first in range(index.num_clips, num_clips, batch_size * processes.count):
        rows = range(first, min(first + batch_size * processes.count, num_clips))
        pending |= processes.spread(rows, lambda part: _encode(encode, clips, part))
        if pending and (rows.stop == num_clips or sum(row.nbytes for row in pending.values()) >= SHARD_BYTES):
            index = _write(folder, index, pending)
            pending = {}
        try:
            on_batch(rows.stop, num_clips)
        except BaseException:  # whoever stops here finds everything that is done when he comes back
            if pending:
                _write(folder, index, pending)
            raise
    return LatentCache(folder, processes.from_first(index), num_clips)


def _encode(encode: Callable[[Tensor], Tensor], clips: ClipSource, rows: Sequence[int]) -> dict[int, Tensor]:
    """Latents by row. Rows of one shape are encoded together, as many as BATCH_PIXELS allows."""
    shapes, encoded = clips.shapes(rows), {}
    for places in alike(shapes):
        most = max(1, BATCH_PIXELS // math.prod(shapes[places[0]]))
        for first in range(0, len(places), most):
            part = [rows[place] for place in places[first : first + most]]
            encoded |= zip(part, encode(clips.batch(part).frames).float(), strict=True)
    return encoded


def _write(folder: Path, index: Index, latents: dict[int, Tensor]) -> Index:
    """Write the next shard, then the index that knows it: what the index names is whole."""
    tensors: dict[str, Tensor] = {}
    every = list(latents)
    for places in alike([tuple(row.shape) for row in latents.values()]):
        rows = [every[place] for place in places]
        name = "x".join(map(str, latents[rows[0]].shape))
        tensors[name], tensors[f"{name}.rows"] = torch.stack([latents[row] for row in rows]), torch.tensor(rows)
    file = folder / f"{len(index.shards):06d}.safetensors"
    with whole_file(file) as half:
        save_file(tensors, half)
    shard = Shard(file=file.name, num_clips=len(latents), num_bytes=file.stat().st_size, crc32=crc32_of(file))
    index = Index(key=index.key, shards=(*index.shards, shard))
    with whole_file(folder / INDEX) as half:
        half.write_text(index.model_dump_json(indent=1))
    return index


def _usable(folder: Path, key: str, on_notice: Callable[[str], None]) -> Index:
    """The index up to the first shard that is not as it was written; the files of all others are removed."""
    index = Index(key=key)
    if (folder / INDEX).exists():
        index, why = _check(folder, key)
        if why:
            on_notice(f"latent cache: {why}; encoding goes on from clip {index.num_clips:,}.")
    named = {shard.file for shard in index.shards}
    for file in folder.glob("*.safetensors"):
        if file.name not in named:
            file.unlink()
    return index


def _check(folder: Path, key: str) -> tuple[Index, str]:
    """The part of the index that holds, and what is wrong with the rest ("" = nothing)."""
    try:
        index = Index.model_validate_json((folder / INDEX).read_bytes())
    except (ValidationError, OSError):
        return Index(key=key), f"{folder / INDEX} cannot be read"
    if index.key != key:
        return Index(key=key), f"{folder} was made by another VAE or of other clips"
    sound = Index(key=key)
    for shard in index.shards:
        file = folder / shard.file
        if not file.is_file():
            return sound, f"{file} is missing"
        # Reading all of a large cache would take longer than it is worth: there the size must do.
        large = index.num_bytes > HELD_BYTES
        if file.stat().st_size != shard.num_bytes or not (large or crc32_of(file) == shard.crc32):
            return sound, f"{file} is damaged"
        sound = Index(key=key, shards=(*sound.shards, shard))
    return sound, ""


def _open(file: Path, held: bool) -> dict:
    """Tensors by name, in memory or as slices that read a row when asked for it."""
    try:
        if held:
            return load_file(file)
        with safe_open(file, framework="pt") as opened:
            return {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise OSError(f"{file} cannot be read ({error}). Remove it and start again.") from error


def _shape(name: str) -> tuple[int, int, int, int]:
    c, f, h, w = map(int, name.split("x"))
    return c, f, h, w
