"""Clips in tar shards as numbered examples without an end, and without a list of them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from ..types import VideoBatch
from ..video.formats import Unreadable
from .ahead import Ahead
from .batch import batch_of
from .buckets import bucket_of
from .config import ClipsConfig, ClipShape
from .frame_store import HELD_BYTES, decode_window
from .manifest import ManifestEntry
from .shard_order import ShardOrder
from .shard_store import OpenShard, ShardStore
from .shards import Member, Sample
from .windows import Window, all_too_short, draw_window, enlarged, even_windows, frames_at, shown


@dataclass(frozen=True)
class _Found:
    """What a number stands for."""

    shard: OpenShard
    place: int
    """Of the clip in its shard."""
    shape: ClipShape

    @property
    def entry(self) -> ManifestEntry:
        return self.shard.clips[self.place][1]


class ShardClips:
    """Clip i is a window of a clip that lies in a shard; which one follows from (seed, i) and the shards' counts alone.

    train: the window is drawn for i. test: clips as they lie there, with their first windows, then their second ones …
    A clip that is too short gives its turn to the next one of its shard.
    """

    def __init__(self, config: ClipsConfig, split: Literal["train", "test"], seed: int):
        """config.folder: folder or address of the shards. ValueError, in one line, where there are none."""
        self.config, self.split, self.seed = config, split, seed
        self._store = ShardStore(config.folder, split)
        counts = [shard.num_clips for shard in self._store.shards]
        self._order = ShardOrder(counts, seed, shuffled=split == "train")
        self._zoom = config.zoom if split == "train" else 1.0
        self.num_bytes = _decoded_bytes(self._store, config, self._zoom)
        self._keeps = self.num_bytes is not None and self.num_bytes <= HELD_BYTES
        self._ahead = Ahead(ShardClips, config, split, seed) if config.workers and not self._keeps else None
        self._held: dict[tuple[str, int], np.ndarray] = {}

    def __len__(self) -> int:
        """Clips of one epoch."""
        return len(self._order)

    @property
    def identity(self) -> str:
        """Changes with the clips and with what is done to them."""
        said = [self.config.model_dump_json(exclude={"folder", "workers"}), str(self.seed), self._store.identity]
        return blake2b("\n".join(said).encode(), digest_size=16).hexdigest()

    def batch(self, indices: Sequence[int]) -> VideoBatch:
        """Clips of these numbers, which must have one shape: see `shapes`."""
        return batch_of(self, indices, self._ahead)

    def captions(self, indices: Sequence[int]) -> list[str]:
        """What `batch` says about clips `indices`, without decoding them."""
        return [self._find(i).entry.caption for i in indices]

    def shapes(self, indices: Sequence[int]) -> list[ClipShape]:
        """(frames, rows, columns) of clips `indices`."""
        return [self._find(i).shape for i in indices]

    def frames_u8(self, number: int) -> UInt8[np.ndarray, "F H W 3"]:
        """Clip `number` in bytes, decoded by this process."""
        clip = self._find(number)
        window = self._window(number, clip)
        return shown(self._decoded(clip, window.start), window, clip.shape)

    def _find(self, number: int) -> _Found:
        shard_number, place = self._order.find(number)
        shard = self._store.open(shard_number)
        return _Found(shard, *self._usable(shard, place))

    def _window(self, number: int, clip: _Found) -> Window:
        available = frames_at(clip.entry, self.config.fps)
        if self.split == "train":
            return draw_window(self.seed, number, available, clip.shape[0], self.config.mirror, self._zoom)
        windows = even_windows(available, clip.shape[0])
        return windows[number // len(self) % len(windows)]

    def _usable(self, shard: OpenShard, place: int) -> tuple[int, ClipShape]:
        """The clip at a place of a shard, or the next one that is long enough, and its shape."""
        sizes, fps, count = self.config.sizes, self.config.fps, len(shard.clips)
        for turn in range(count):
            entry = shard.clips[(place + turn) % count][1]
            bucket = bucket_of(frames_at(entry, fps), entry.height, entry.width, sizes)
            if bucket is not None:
                return (place + turn) % count, sizes[bucket]
        raise all_too_short([entry for _, entry in shard.clips], shard.path.name, self.config)

    def _decoded(self, clip: _Found, start: int) -> np.ndarray:
        """From memory, where a set is small enough to be kept there."""
        num_frames = clip.shape[0]
        if not self._keeps:
            return self._read(clip, start, num_frames)
        key = (clip.shard.path.name, clip.place)
        if key not in self._held:
            self._held[key] = self._read(clip, 0, frames_at(clip.entry, self.config.fps))
        return self._held[key][start : start + num_frames]

    def _read(self, clip: _Found, start: int, num_frames: int) -> np.ndarray:
        sample, _ = clip.shard.clips[clip.place]
        shape = enlarged((num_frames, *clip.shape[1:]), self._zoom)
        with _opened(clip.shard.path, sample) as (path, file):
            return decode_window(path, clip.entry, self.config.fps, start, shape, file)


def _decoded_bytes(store: ShardStore, config: ClipsConfig, zoom: float) -> int | None:
    """Size of all clips at the largest of the shapes; None where nobody knows how long they are."""
    frames = 0.0
    for shard in store.shards:
        if shard.seconds is None:
            return None
        frames += shard.num_clips + shard.seconds * config.fps
    return round(frames * max(3 * math.prod(enlarged(shape, zoom)[1:]) for shape in config.sizes))


@contextmanager
def _opened(tar: Path, sample: Sample) -> Iterator[tuple[Path, Member | None]]:
    """What `decode` takes: a name and the open member; numbered pictures become files in a folder of their own."""
    if len(sample.places) == 1:
        with Member(tar, *sample.places[0]) as file:
            yield tar / f"{sample.key}.{sample.kind}", file
        return
    with TemporaryDirectory(prefix="mutoscope-pictures-") as folder:
        for number, place in enumerate(sample.places, 1):
            with Member(tar, *place) as file:  # named by number and kind: a member's own name is never a path
                (Path(folder) / f"{number:06d}.{sample.kind}").write_bytes(file.read())
        try:
            yield Path(folder), None
        except Unreadable as error:
            raise Unreadable(tar / sample.key, error.reason, error.words) from error
