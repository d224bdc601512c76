"""Which times are trained on and sampled: quantiles, evenness, shift, grid."""

import itertools
import math
from statistics import NormalDist

import pytest
import torch

from mutoscope.diffusion.config import DiffusionConfig
from mutoscope.diffusion.timesteps import even_uniforms, logit_normal, shift_timesteps, time_grid, training_times


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.8, 1.4), (-1.0, 0.5)])
def test_logit_normal_has_the_closed_form_quantiles(mean, std):
    for p in (0.01, 0.25, 0.5, 0.9, 0.999):
        expected = 1 / (1 + math.exp(-(mean + std * NormalDist().inv_cdf(p))))
        assert abs(logit_normal(torch.tensor([p]), mean, std).item() - expected) < 1e-5


def test_logit_normal_stays_inside_and_is_monotone():
    t = logit_normal(torch.cat([torch.linspace(0, 1, 1001)]), 0.0, 1.0)
    assert t.min() > 0 and t.max() < 1 and t.diff().min() >= 0
    assert t.dtype == torch.float32


def test_training_times_have_the_density_of_the_configuration():
    uniforms = torch.linspace(0, 1, 101)[:-1]
    assert torch.equal(training_times(uniforms, DiffusionConfig(timesteps="uniform")), uniforms)
    config = DiffusionConfig(timestep_mean=0.8, timestep_std=1.4)
    assert torch.equal(training_times(uniforms, config), logit_normal(uniforms, 0.8, 1.4))


@pytest.mark.parametrize("first", [0, 12_345, 10**9])
def test_even_uniforms_spread_better_than_chance(first):
    """64 neighbours: each of 16 equal bins gets 4 of them, give or take 2; the discrepancy is below chance's."""
    values = even_uniforms(torch.arange(first, first + 64), 0.37)
    assert values.min() >= 0 and values.max() <= 1
    counts = torch.histc(values, 16, 0, 1)
    assert counts.min() >= 2 and counts.max() <= 6
    gaps = values.sort().values.diff()
    assert gaps.max() < 3 / 64  # for independent draws about ln(64) / 64 = 4.2 / 64 on average
    assert abs(values.mean().item() - 0.5) < 0.02


def test_even_uniforms_depend_on_the_index_only():
    whole = even_uniforms(torch.arange(20), 0.1)
    assert torch.equal(torch.cat([even_uniforms(torch.arange(7), 0.1), even_uniforms(torch.arange(7, 20), 0.1)]), whole)
    assert torch.equal(even_uniforms(torch.tensor([13]), 0.1)[0], whole[13])
    assert not torch.equal(even_uniforms(torch.arange(20), 0.2), whole)


def test_shift_composes():
    t = torch.linspace(0, 1, 11, dtype=torch.float64)
    for a, b in itertools.product([0.5, 1.0, 3.0], repeat=2):
        torch.testing.assert_close(shift_timesteps(shift_timesteps(t, a), b), shift_timesteps(t, a * b))
    torch.testing.assert_close(shift_timesteps(t, 1.0), t)


def test_shift_multiplies_the_odds():
    t = torch.tensor([0.1, 0.5, 0.8], dtype=torch.float64)
    shifted = shift_timesteps(t, 3.0)
    torch.testing.assert_close(shifted / (1 - shifted), 3 * t / (1 - t))
    assert (shifted > t).all()


@pytest.mark.parametrize("shift", [0.0, -1.0])
def test_shift_must_be_positive(shift):
    with pytest.raises(ValueError, match=f"shift must be > 0, got {shift}. Use shift=1"):
        shift_timesteps(torch.ones(1), shift)


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
def test_grid_falls_from_noise_to_data(shift):
    times = time_grid(10, shift)
    assert times.shape == (11,) and times[0] == 1 and times[-1] == 0
    assert times.diff().max() < 0
    unshifted = torch.arange(10, -1, -1) / 10
    torch.testing.assert_close(times, shift * unshifted / (1 + (shift - 1) * unshifted))


def test_grid_of_no_steps_is_an_error():
    with pytest.raises(ValueError, match="steps must be at least 1, got 0. Try --steps 16."):
        time_grid(0)
