"""Samplers converge, each at its order: Gaussian data, whose exact answers are known."""

from functools import partial

import numpy as np
import pytest
import torch
from closed_form import exact_denoiser, exact_moments, exact_sample, moments

from mutoscope.diffusion.paths import CosinePath, DiscretePath, LinearPath
from mutoscope.diffusion.timesteps import shift_timesteps, time_grid
from mutoscope.samplers.config import SamplingConfig
from mutoscope.samplers.ddim import ddim
from mutoscope.samplers.ddpm import ddpm
from mutoscope.samplers.dpm_solver import dpmpp_2m, dpmpp_2m_sde, step_ratios
from mutoscope.samplers.euler import euler
from mutoscope.samplers.heun import heun
from mutoscope.samplers.unipc import unipc

PATHS = {
    "linear": LinearPath(),
    "cosine": CosinePath(),
    "ddpm": DiscretePath(),
}
LINEAR = PATHS["linear"]
NOISE = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
ddim_ode = partial(ddim, draw=lambda: pytest.fail("eta 0 draws nothing"), eta=0.0)
ddim_sde = partial(ddim, eta=1.0)


# ------------------------------------------------------------------------------------- grids for the orders


def times_at(quantity, values):
    """Times at which a rising function of time takes the values, by bisection."""
    low, high = torch.zeros_like(values), torch.ones_like(values)
    for _ in range(60):
        middle = (low + high) / 2
        below = quantity(middle) < values
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def even_in_arc(path, steps):
    one = torch.ones((), dtype=torch.float64)
    inner = times_at(path.arc, path.arc(one) * torch.linspace(1, 0, steps + 1, dtype=torch.float64)[1:-1])
    return torch.cat([one[None], inner, torch.zeros_like(inner[:1])])


def even_in_log_snr(path, steps):
    """Multistep methods show their order on even steps of log(alpha / sigma), here from -10 or pure noise up to 10."""

    def noisiness(t):
        return -(path.alpha(t) / path.sigma(t)).log()

    end = min(10.0, noisiness(torch.ones((), dtype=torch.float64)).item())
    inner = times_at(noisiness, torch.linspace(end, -10, steps + 1, dtype=torch.float64))
    ends = torch.tensor([1.0, 0.0], dtype=torch.float64)
    return torch.cat([ends[:1], inner if end == 10 else inner[1:], ends[1:]])


def slope_of(steps, errors):
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


def error_on(sampler, times, path):
    found = sampler(exact_denoiser(path), NOISE, times, path)
    return (found - exact_sample(NOISE, path)).abs().max().item()


@every_path
@pytest.mark.parametrize(
    ("sampler", "grid", "order"),
    [
        (euler, even_in_arc, 1),
        (ddim_ode, even_in_arc, 1),
        (heun, even_in_arc, 2),
        (dpmpp_2m, even_in_log_snr, 2),
        (unipc, even_in_log_snr, 3),  # the corrector raises the predictor's order by one
    ],
    ids=["euler", "ddim", "heun", "dpmpp_2m", "unipc"],
)
def test_samplers_converge_at_their_order(sampler, grid, order, path):
    steps = [32, 64, 128]
    errors = [error_on(sampler, grid(path, n), path) for n in steps]
    assert abs(slope_of(steps, errors) - order) < 0.07 * order, errors


@every_path
@pytest.mark.parametrize(
    ("sampler", "grid", "order"),
    [(ddpm, even_in_arc, 1), (ddim_sde, even_in_arc, 1), (dpmpp_2m_sde, even_in_log_snr, 2)],
    ids=["ddpm", "ddim eta 1", "dpmpp_2m_sde"],
)
def test_stochastic_samplers_converge_to_the_exact_mean_and_variance(sampler, grid, order, path):
    """Over all noise, without drawing any: with Gaussian data a sampler is affine in its noise."""
    steps, errors = [64, 128, 256], []
    mean, variance = exact_moments(path)
    for n in steps:
        times = grid(path, n)

        def sample(noise, draw, times=times):
            return sampler(exact_denoiser(path), noise, times, path, draw=draw)

        found_mean, found_variance = moments(sample, len(times) - 2)
        assert abs(found_mean - mean) < 1e-12  # at any number of steps: every step has the posterior's mean
        errors.append(abs(found_variance - variance))
    assert abs(slope_of(steps, errors) - order) < 0.2, errors
    assert errors[-1] < 0.05 * variance


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_half_of_the_fresh_noise_has_the_same_mean_and_variance(name):
    path, steps, errors = PATHS[name], [64, 128, 256], []
    for n in steps:
        times = even_in_arc(path, n)

        def sample(noise, draw, times=times):
            return ddim(exact_denoiser(path), noise, times, path, draw, 0.5)

        mean, variance = moments(sample, n - 1)
        assert abs(mean - exact_moments(path)[0]) < 1e-12
        errors.append(abs(variance - exact_moments(path)[1]))
    assert abs(slope_of(steps, errors) - 1) < 0.2, errors


@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2)])
def test_order_on_shifted_grids(sampler, order, shift):
    steps = [32, 64, 128, 256]
    even = [torch.linspace(1, 0, n + 1, dtype=torch.float64) for n in steps]
    errors = [error_on(sampler, shift_timesteps(times, shift), LINEAR) for times in even]
    assert abs(slope_of(steps, errors) - order) < 0.15, errors


def test_dpmpp_2m_is_second_order_up_to_a_logarithm_on_the_grid_in_use():
    """Near both ends neighbouring steps differ in log SNR, which costs a factor log(steps): h^2 log(1/h)."""
    steps = [128, 256, 512]
    errors = [error_on(dpmpp_2m, torch.linspace(1, 0, n + 1, dtype=torch.float64), LINEAR) / np.log(n) for n in steps]
    assert abs(slope_of(steps, errors) - 2) < 0.1, errors


@pytest.mark.parametrize("sampler", [heun, dpmpp_2m, unipc])
def test_second_order_samplers_are_better_at_the_default_steps(sampler):
    times = time_grid(SamplingConfig().steps).double()
    assert error_on(sampler, times, LINEAR) < 0.3 * error_on(euler, times, LINEAR)


@every_path
def test_step_ratios_are_zero_where_a_step_has_nothing_to_build_on(path):
    times = even_in_log_snr(path, 8)
    ratios = step_ratios(times, path)
    blind = 1 if path == PATHS["ddpm"] else 2  # from pure noise the first step is infinite, and useless to the second
    torch.testing.assert_close(ratios[blind:-1], torch.ones_like(ratios[blind:-1]), rtol=1e-6, atol=0)
    assert (ratios[:blind] == 0).all() and ratios[-1] == 0
    assert step_ratios(time_grid(1), path).tolist() == [0.0]
