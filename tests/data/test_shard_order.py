"""The order of clips in shards: every epoch visits each once, and numbers mean the same clip whoever asks when."""

from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.shard_order import ShardOrder

COUNTS = [5, 1, 12, 3]
EVERY = sorted((shard, place) for shard, count in enumerate(COUNTS) for place in range(count))


def epochs(order, count):
    return [[order.find(epoch * len(order) + k) for k in range(len(order))] for epoch in range(count)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 2**40), st.booleans())
def test_every_epoch_visits_every_clip_once(counts, seed, shuffled):
    every = sorted((shard, place) for shard, count in enumerate(counts) for place in range(count))
    assert all(sorted(visited) == every for visited in epochs(ShardOrder(counts, seed, shuffled), 2))


def test_a_shard_is_visited_in_one_go():
    for visited in epochs(ShardOrder(COUNTS, 3), 5):
        shards = [shard for shard, _ in visited]
        assert sum(a != b for a, b in zip(shards, shards[1:], strict=False)) == len(COUNTS) - 1


def test_epochs_seeds_and_shards_are_mixed_differently():
    first, second, *_ = epochs(ShardOrder(COUNTS, 3), 2)
    assert first != second and first != epochs(ShardOrder(COUNTS, 4), 1)[0]
    twins = ShardOrder([12, 12], 3)
    places = {shard: [place for s, place in epochs(twins, 1)[0] if s == shard] for shard in (0, 1)}
    assert places[0] != places[1] and places[0] != sorted(places[0])
    assert epochs(ShardOrder(COUNTS, 3, shuffled=False), 1)[0] == EVERY


def test_a_number_does_not_depend_on_what_was_asked_before():
    order = ShardOrder(COUNTS, 3)
    asked = [order.find(number) for number in (900, 4, 10**12, 4, 37)]
    assert asked == [ShardOrder(COUNTS, 3).find(number) for number in (900, 4, 10**12, 4, 37)]
