"""Which clip a number is, where clips lie in shards: known from the shards' counts, before any of them is opened."""

from collections.abc import Sequence

import numpy as np


class ShardOrder:
    """Every epoch visits every clip once: shard after shard in an order of its own, clips mixed inside a shard.

    A function of (seed, number). Neighbouring numbers lie in one shard, so a shard is opened once per epoch.
    """

    def __init__(self, counts: Sequence[int], seed: int, shuffled: bool = True):
        """counts: clips of each shard. shuffled: off = as they lie there, in every epoch."""
        self._counts, self._seed, self._shuffled = np.array(counts, np.int64), seed, shuffled
        self._known: dict[tuple[int, ...], np.ndarray] = {}

    def __len__(self) -> int:
        """Clips in all."""
        return int(self._counts.sum())

    def find(self, number: int) -> tuple[int, int]:
        """(shard, place of the clip in it) of any number from 0 on."""
        epoch, place = divmod(number, len(self))
        shards = self._order(len(self._counts), epoch)
        ends = self._counts[shards].cumsum()
        turn = int(np.searchsorted(ends, place, side="right"))
        shard = int(shards[turn])
        inside = self._order(int(self._counts[shard]), epoch, shard)
        return shard, int(inside[place - (ends[turn] - self._counts[shard])])

    def _order(self, count: int, epoch: int, *shard: int) -> np.ndarray:
        """Of the shards of an epoch, or of the clips of one of its shards."""
        if not self._shuffled:
            return np.arange(count)
        key = (epoch, *shard)
        if key not in self._known:
            if len(self._known) >= 16:  # a batch touches few
                self._known.clear()
            self._known[key] = np.random.default_rng([self._seed, *key]).permutation(count)
        return self._known[key]
