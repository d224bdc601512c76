"""Seconds and sizes as words."""

import pytest

from mutoscope.words import about, duration, rate, size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0 s"), (43.0, "43 s"), (59.6, "1 min 00 s"), (187.0, "3 min 07 s"), (3599.6, "1 h 00 min")],
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_short_ones_with_tenths():
    assert [duration(s, tenths=True) for s in (4.23, 59.4, 61.2)] == ["4.2 s", "59.4 s", "1 min 01 s"]


def test_estimates_are_rounded():
    assert [about(s) for s in (43.4, 89.0, 500.0, 7500.0)] == ["43 s", "89 s", "8 min", "2.1 h"]


@pytest.mark.parametrize(
    ("num_bytes", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (41_040_000, "41.0 MB"),
        (999_990_000, "1.0 GB"),
        (3 * 10**15, "3000.0 TB"),
    ],
)
def test_sizes(num_bytes, said):
    assert size(num_bytes) == said


def test_rates():
    assert [rate(r) for r in (950e6, 182.4e9, 1.3e12)] == ["950 MFLOP/s", "182 GFLOP/s", "1.3 TFLOP/s"]
