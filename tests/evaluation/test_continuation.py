"""Continuations whose quality is known: the truth, the last frame repeated, and something between them."""

import math

import pytest
import torch
from torch import Generator

from mutoscope.evaluation.continuation import compare_continuations, pooled_psnr
from mutoscope.evaluation.features import train_features

GIVEN = 3


@pytest.fixture(scope="module")
def real():
    return torch.rand(6, 3, GIVEN + 8, 16, 16, generator=Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def network(real):
    return train_features(real[:, :, GIVEN:], steps=2)


def test_the_truth_is_at_the_end_of_every_scale(real, network):
    found = compare_continuations(real, real, real, GIVEN, network)
    assert found.psnr.value == math.inf and found.frechet.value == pytest.approx(0, abs=1e-5)
    assert found.frame_psnr.value == pytest.approx(100)  # capped
    assert found.frechet.floor > 0.01 and found.psnr.floor < 10
    assert (found.given, found.frames, found.clips) == (GIVEN, 8, 6)


def test_standing_still_is_the_floor(real, network):
    still = real.clone()
    still[:, :, GIVEN:] = real[:, :, GIVEN - 1 : GIVEN]
    found = compare_continuations(still, real, real, GIVEN, network)
    for measured in (found.psnr, found.frame_psnr, found.frechet):
        assert measured.value == pytest.approx(measured.floor)


def test_given_frames_do_not_count(real, network):
    spoiled = real.clone()
    spoiled[:, :, :GIVEN] = 0
    assert compare_continuations(spoiled, real, real, GIVEN, network).psnr.value == math.inf


def test_pooled_psnr_weighs_errors_not_decibels():
    """One frame off by 0.2, one exact: the mean square is 0.02, so 10 log10(4 / 0.02)."""
    reference = torch.zeros(1, 1, 2, 4, 4)
    frames = reference.clone()
    frames[:, :, 0] = 0.2
    assert pooled_psnr(frames, reference) == pytest.approx(10 * math.log10(4 / 0.02), rel=1e-5)
