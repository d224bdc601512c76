"""A folder of captioned clips as numbered examples without an end."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from ..types import VideoBatch
from .ahead import Ahead
from .batch import batch_of
from .buckets import bucket_of, epoch_order
from .config import ClipsConfig, ClipShape
from .frame_store import HELD_BYTES, FrameStore, decoded_bytes
from .manifest import manifest_file, read_manifest
from .windows import Window, all_too_short, draw_window, enlarged, even_windows, frames_at, shown


class FolderClips:
    """Clip i of the training split is a window, drawn for i, of entry i mod n in the order of its epoch.

    So a run goes on where it stopped without any state of the loader, every process may take any part of the numbers,
    and a set of any size lasts for ever. test: fixed windows that cover every clip, one after the other.
    """

    def __init__(self, config: ClipsConfig, split: Literal["train", "test"], seed: int):
        """ValueError, in one line: no manifest, no clips in the split, or all of them too short."""
        place = Path(config.folder)
        self.config, self.split, self.seed = config, split, seed
        chosen = [entry for entry in read_manifest(place) if entry.split == split]
        if not chosen:
            more = " Keep some when you cut: mutoscope data split DIR --test-share 0.1" if split == "test" else ""
            raise ValueError(f"{place} has no clips of the split {split!r}.{more}")
        found = [bucket_of(frames_at(e, config.fps), e.height, e.width, config.sizes) for e in chosen]
        self.entries = [entry for entry, bucket in zip(chosen, found, strict=True) if bucket is not None]
        short = [entry for entry, bucket in zip(chosen, found, strict=True) if bucket is None]
        self.too_short = len(short)
        self.shortest_left_out = min((frames_at(entry, config.fps) for entry in short), default=0)
        if not self.entries:
            raise all_too_short(chosen, str(place), config)
        self._buckets = np.array([bucket for bucket in found if bucket is not None])
        self._shapes = [config.sizes[bucket] for bucket in self._buckets]
        self._zoom = config.zoom if split == "train" else 1.0
        stored = [enlarged(shape, self._zoom) for shape in self._shapes]
        self.num_bytes = decoded_bytes(self.entries, stored, config.fps)
        held = self.num_bytes <= HELD_BYTES
        self._store = FrameStore(manifest_file(place).parent, config.fps, held)
        self._ahead = Ahead(FolderClips, config, split, seed) if config.workers and not held else None
        self._fixed = [] if split == "train" else list(self._fixed_windows())
        self._orders: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        """Examples of one epoch: clips of the training split, windows of the other."""
        return len(self._fixed) or len(self.entries)

    @property
    def shortest(self) -> int:
        """Frames of the shortest clip, at the rate of training."""
        return min(frames_at(entry, self.config.fps) for entry in self.entries)

    @property
    def identity(self) -> str:
        """Changes with the clips and with what is done to them."""
        lines = [entry.model_dump_json(exclude={"caption"}) for entry in self.entries]
        said = "\n".join([self.config.model_dump_json(exclude={"folder", "workers"}), str(self.seed), *lines])
        return blake2b(said.encode(), digest_size=16).hexdigest()

    def batch(self, indices: Sequence[int]) -> VideoBatch:
        """Clips of these numbers, which must have one shape: see `shapes`."""
        return batch_of(self, indices, self._ahead)

    def captions(self, indices: Sequence[int]) -> list[str]:
        """What `batch` says about clips `indices`, without decoding them."""
        return [self.entries[self._find(i)[0]].caption for i in indices]

    def shapes(self, indices: Sequence[int]) -> list[ClipShape]:
        """(frames, rows, columns) of clips `indices`."""
        return [self._shapes[self._find(i)[0]] for i in indices]

    def frames_u8(self, number: int) -> UInt8[np.ndarray, "F H W 3"]:
        """Clip `number` in bytes, decoded by this process."""
        place, window = self._find(number)
        shape = self._shapes[place]
        return shown(self._store.window(self.entries[place], window.start, enlarged(shape, self._zoom)), window, shape)

    def _find(self, number: int) -> tuple[int, Window]:
        """Entry and window of a number."""
        if self._fixed:
            return self._fixed[number % len(self._fixed)]
        epoch, turn = divmod(number, len(self.entries))
        if epoch not in self._orders:
            if len(self._orders) >= 4:  # a batch touches few
                self._orders.clear()
            self._orders[epoch] = epoch_order(self._buckets, np.random.default_rng([self.seed, 0, epoch]))
        place = int(self._orders[epoch][turn])
        available = frames_at(self.entries[place], self.config.fps)
        num_frames, mirror = self._shapes[place][0], self.config.mirror
        return place, draw_window(self.seed, number, available, num_frames, mirror, self._zoom)

    def _fixed_windows(self) -> list[tuple[int, Window]]:
        found = []
        for place, (entry, shape) in enumerate(zip(self.entries, self._shapes, strict=True)):
            found += [(place, window) for window in even_windows(frames_at(entry, self.config.fps), shape[0])]
        return found
