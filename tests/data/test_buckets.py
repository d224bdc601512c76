"""Shapes: which clip goes where, and orders in which neighbours are alike."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.buckets import BLOCK, alike, bucket_of, epoch_order

SHAPES = ((17, 64, 64), (17, 48, 80), (33, 64, 64), (1, 64, 64))


def test_the_nearest_aspect_ratio_wins_then_the_most_frames():
    assert bucket_of(40, 480, 480, SHAPES) == 2  # square, and long enough for 33 frames
    assert bucket_of(20, 480, 480, SHAPES) == 0
    assert bucket_of(20, 360, 640, SHAPES) == 1
    assert bucket_of(5, 360, 640, SHAPES) == 3  # too short for all but the picture
    assert bucket_of(5, 360, 640, SHAPES[:3]) is None


@given(st.lists(st.integers(0, 2), min_size=1, max_size=400), st.integers(0, 2**32))
def test_an_epoch_visits_all_once_in_blocks_of_one_bucket(buckets, seed):
    buckets = np.array(buckets)
    order = epoch_order(buckets, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(buckets)))
    changes = np.count_nonzero(np.diff(buckets[order]))
    assert changes < sum(-(-np.count_nonzero(buckets == b) // BLOCK) for b in np.unique(buckets))


def test_orders_differ_by_seed():
    orders = [tuple(epoch_order(np.zeros(50, int), np.random.default_rng(seed))) for seed in range(3)]
    assert len(set(orders)) == 3


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_alike_is_a_partition(kinds):
    groups = alike([(kind,) for kind in kinds])
    assert sorted(sum(groups, [])) == list(range(len(kinds)))
    assert all(len({kinds[place] for place in group}) == 1 for group in groups)
    assert len(groups) == len(set(kinds))
