"""Sampling with given frames: Gaussian data whose frames are correlated, against their exact conditionals."""

from functools import partial
from typing import get_args

import pytest
import torch
from closed_form import conditional, joint_denoiser

from mutoscope.diffusion.given import Given, with_given
from mutoscope.diffusion.paths import CosinePath, LinearPath
from mutoscope.diffusion.timesteps import time_grid
from mutoscope.samplers.config import SamplerName, SamplingConfig
from mutoscope.samplers.table import sampler_of

MEAN = torch.tensor([0.5, -0.3, 0.8, 0.1], dtype=torch.float64)
STEP = torch.arange(4, dtype=torch.float64)
COVARIANCE = 0.5 * 0.8 ** (STEP[:, None] - STEP).abs() + 0.2 * torch.eye(4, dtype=torch.float64)
LINEAR, STEPS = LinearPath(), 100
# Of the covariance; the mean is exact at any step. Euler is first-order, the fresh noise of the others' steps, too.
TOLERANCE = {
    "euler": 0.02,
    "ddim": 0.02,
    "ddpm": 4e-3,
    "dpmpp_2m_sde": 4e-3,
    "heun": 2e-4,
    "dpmpp_2m": 1e-3,
    "unipc": 4e-4,
}
every_sampler = pytest.mark.parametrize("sampler", get_args(SamplerName))
first, ends = torch.tensor([True, False, False, False]), torch.tensor([True, False, False, True])
prefix = torch.tensor([True, True, False, False])


def grid(steps=STEPS):
    return torch.linspace(1, 0, steps + 1, dtype=torch.float64)


def given_of(seen, rows, noise=0.7):
    """The same given values in every row; their noise is a constant, so all rows see the same."""
    values = torch.tensor([2.0, -2.0, 0.3, 2.0], dtype=torch.float64)
    latents = torch.where(seen, values, torch.nan)[None, None, :, None, None].expand(rows, 1, 4, 1, 1)
    return Given(latents, seen, torch.full_like(latents, noise)), values[seen]


def moments_of(sampler, path, seen, given_time):
    """Mean (f,) and covariance (f, f) over all noise, exactly: a sampler of a linear denoiser is affine in its noise.

    Row 0 sees zeros, row k > 0 a single one in the k-th normal number of all the frames and draws.
    """
    config = SamplingConfig(sampler=sampler, steps=STEPS)
    draws = 1 + (STEPS - 1 if sampler in ("ddpm", "dpmpp_2m_sde") else 0)
    rows = 1 + 4 * draws
    unit = torch.eye(rows, dtype=torch.float64)[:, 1:].reshape(rows, draws, 4)
    number = iter(range(draws))

    def draw():
        return unit[:, next(number)][:, None, :, None, None]

    given, _ = given_of(seen, rows)
    denoise = with_given(joint_denoiser(MEAN, COVARIANCE, path), given, path, given_time)
    found = sampler_of(config, draw)(denoise, draw(), grid(), path)[:, 0, :, 0, 0]
    offsets = found[1:] - found[0]
    return found[0][~seen], (offsets.T @ offsets)[~seen][:, ~seen]


@every_sampler
@pytest.mark.parametrize("seen", [first, prefix, ends], ids=["first", "prefix", "ends"])
@pytest.mark.parametrize("given_time", [0.0, 0.2])
def test_samples_have_the_exact_conditional_mean_and_covariance(sampler, seen, given_time):
    alpha, sigma = 1 - given_time, given_time
    mean, covariance = moments_of(sampler, LINEAR, seen, given_time)
    values = alpha * given_of(seen, 1)[1] + sigma * 0.7
    expected_mean, expected_covariance = conditional(MEAN, COVARIANCE, seen, values, alpha, sigma)
    torch.testing.assert_close(mean, expected_mean, rtol=0, atol=1e-6)
    torch.testing.assert_close(covariance, expected_covariance, rtol=0, atol=TOLERANCE[sampler])
    for value, without in ((expected_mean, MEAN[~seen]), (expected_covariance, COVARIANCE[~seen][:, ~seen])):
        assert (value - without).abs().max() > 0.1  # what is given matters


@every_sampler
@pytest.mark.parametrize("path", [LINEAR, CosinePath()], ids=["linear", "cosine"])
def test_with_nothing_given_every_sampler_is_as_ever(sampler, path):
    denoise = joint_denoiser(MEAN, COVARIANCE, path)
    noise = torch.randn(3, 2, 4, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    nothing = Given(torch.full_like(noise, torch.nan), torch.zeros(4, dtype=torch.bool), noise)

    def run(denoise):
        g = torch.Generator().manual_seed(1)
        draw = partial(torch.randn, noise.shape, generator=g, dtype=torch.float64)
        config = SamplingConfig(sampler=sampler, steps=5)
        return sampler_of(config, draw)(denoise, noise, grid(5), path)

    assert torch.equal(run(with_given(denoise, nothing, path, 0.1)), run(denoise))


def test_what_a_sampler_has_in_the_given_places_is_never_seen():
    given, values = given_of(prefix, 2)
    denoise = with_given(joint_denoiser(MEAN, COVARIANCE, LINEAR), given, LINEAR, 0.0)
    xt = torch.randn(2, 1, 4, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t = torch.full((2,), 0.4, dtype=torch.float64)
    x0 = denoise(xt, t)
    spoilt = torch.where(prefix[:, None, None], torch.nan, xt)
    assert torch.equal(denoise(spoilt, t), x0) and x0.isfinite().all()
    assert torch.equal(x0[0, 0, :2, 0, 0], values)


def test_the_network_sees_given_frames_at_their_own_time():
    noise = torch.randn(2, 1, 4, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    given = Given(torch.full_like(noise, 3.0), ends, noise)
    seen = []

    def network(xt, t):
        seen.append((xt, t))
        return torch.zeros_like(xt)

    xt, t = torch.full_like(noise, 9.0), torch.full((2,), 0.4, dtype=torch.float64)
    for given_time, expected in ((0.1, 0.1), (None, 0.4)):
        x0 = with_given(network, given, LINEAR, given_time)(xt, t)
        asked, times = seen.pop()
        row = torch.tensor([expected, 0.4, 0.4, expected], dtype=torch.float64)
        torch.testing.assert_close(times, row.expand(2, 4), check_dtype=False)
        noised = (1 - expected) * 3.0 + expected * noise[:, :, ends]
        torch.testing.assert_close(asked[:, :, ends], noised)
        assert torch.equal(asked[:, :, ~ends], xt[:, :, ~ends])
        assert (x0[:, :, ends] == 3).all() and (x0[:, :, ~ends] == 0).all()


def test_a_time_per_frame_that_is_the_same_everywhere_is_one_time():
    denoise = joint_denoiser(MEAN, COVARIANCE, LINEAR)
    xt = torch.randn(3, 2, 4, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    torch.testing.assert_close(denoise(xt, t[:, None].expand(3, 4)), denoise(xt, t))


def test_samplers_of_a_model_run_in_float32():
    given, _ = given_of(first, 2)
    given = Given(given.latents.float(), given.frames, given.noise.float())
    denoise = joint_denoiser(MEAN.float(), COVARIANCE.float(), LINEAR)
    noise = torch.randn(2, 1, 4, 1, 1, generator=torch.Generator().manual_seed(0))
    sampler = sampler_of(SamplingConfig(), lambda: pytest.fail("draws nothing"))
    found = sampler(with_given(denoise, given, LINEAR, 0.03), noise, time_grid(4), LINEAR)
    assert found.dtype == torch.float32 and found[:, :, 1:].isfinite().all()
