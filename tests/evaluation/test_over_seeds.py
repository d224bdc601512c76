import pytest

from mutoscope.evaluation.result import Adherence, Measured
from mutoscope.evaluation.seeds import over_seeds


def found(share: float, colour: bool = True) -> Adherence:
    m = Measured(value=share)
    return Adherence(
        identity=None,
        colour=Measured(value=share / 2) if colour else None,
        direction=m,
        all_correct=m,
        frame_identity=None,
        persistence=None,
        blank=m,
        speed_error=None,
    )


def test_mean_and_sample_deviation():
    spread = over_seeds([found(share) for share in (0.5, 0.7, 0.9)])
    assert spread is not None and set(spread) == {"all_correct", "colour", "direction"}
    assert spread["direction"].mean == pytest.approx(0.7) and spread["direction"].deviation == pytest.approx(0.2)
    assert spread["colour"].values == (0.25, 0.35, 0.45) and spread["colour"].deviation == pytest.approx(0.1)


def test_one_seed_has_no_spread_and_equal_ones_none():
    assert over_seeds([found(0.5)]) is None
    same = over_seeds([found(0.5, colour=False)] * 2)
    assert same is not None and same["all_correct"].deviation == 0 and "colour" not in same
