"""Samplers against mathematics (Gaussian data), against each other, and against diffusers."""

from typing import get_args

import numpy as np
import pytest
import torch
from closed_form import exact_denoiser, exact_sample

from mutoscope.diffusion.paths import PATHS
from mutoscope.diffusion.timesteps import shift_timesteps, time_grid
from mutoscope.samplers.config import SamplerName, SamplingConfig
from mutoscope.samplers.ddim import ddim
from mutoscope.samplers.dpm_solver import dpmpp_2m
from mutoscope.samplers.euler import euler
from mutoscope.samplers.heun import heun
from mutoscope.samplers.table import SAMPLERS

PATH = PATHS["linear"]
NOISE = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]


def error(sampler, steps, shift=1.0):
    return error_on(sampler, shift_timesteps(torch.linspace(1, 0, steps + 1, dtype=torch.float64), shift))


def error_on(sampler, times):
    found = sampler(exact_denoiser(PATH), NOISE, times, PATH)
    return (found - exact_sample(NOISE, PATH)).abs().max().item()


def slope_of(steps, errors):
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (ddim, 1), (heun, 2)])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_sampler_converges_at_its_order(sampler, order, shift):
    steps = [32, 64, 128, 256]
    errors = [error(sampler, n, shift) for n in steps]
    assert abs(slope_of(steps, errors) - order) < 0.15, errors


def test_dpmpp_2m_is_second_order_where_its_steps_are_even():
    """Its own variable is log(alpha / sigma); on a grid even in it, between the two ends, the order shows cleanly."""
    steps, errors, ends = [64, 128, 256], [], torch.tensor([1.0, 0.0], dtype=torch.float64)
    for n in steps:
        inner = torch.sigmoid(-torch.linspace(-10, 10, n + 1, dtype=torch.float64))
        errors.append(error_on(dpmpp_2m, torch.cat([ends[:1], inner, ends[1:]])))
    assert abs(slope_of(steps, errors) - 2) < 0.05, errors


def test_dpmpp_2m_is_second_order_up_to_a_logarithm_on_the_grid_in_use():
    """Near both ends neighbouring steps differ in log SNR, which costs a factor log(steps): h^2 log(1/h)."""
    steps = [256, 512, 1024]
    errors = [error(dpmpp_2m, n) / np.log(n) for n in steps]
    assert abs(slope_of(steps, errors) - 2) < 0.1, errors


def test_every_sampler_is_in_the_table_under_its_name():
    assert set(SAMPLERS) == set(get_args(SamplerName))
    assert all(function.__name__ == name for name, function in SAMPLERS.items())


def expected_calls(name, times):
    """The times a sampler of n steps asks the network about, in order."""
    starts = times[:-1].tolist()
    if name != "heun":
        return starts
    return [t for i, start in enumerate(starts) for t in ([start, starts[i + 1]] if i + 1 < len(starts) else [start])]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_samplers_call_the_network_at_exactly_these_times(name, steps):
    times, calls = time_grid(steps, 2.0), []

    def recording(x, t):
        assert x.shape == (3, 2, 2, 4, 4) and t.shape == (3,) and t.dtype == torch.float32
        assert (t == t[0]).all()
        calls.append(t[0].item())
        return 0.5 * x

    SAMPLERS[name](recording, torch.ones(3, 2, 2, 4, 4), times, PATH)
    assert calls == expected_calls(name, times)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 3, 16])
def test_samplers_are_exact_for_a_single_point(name, steps):
    """Data without spread: every path is a straight line to the point, which all samplers follow exactly."""
    target = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    found = SAMPLERS[name](lambda x, t: target, noise, time_grid(steps), PATH)
    torch.testing.assert_close(found, target, rtol=0, atol=1e-5)


def test_ddim_is_euler_on_the_linear_path():
    noise = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    denoise = exact_denoiser(PATH)
    for steps in (1, 4, 16):
        times = time_grid(steps)
        torch.testing.assert_close(
            ddim(denoise, noise, times, PATH), euler(denoise, noise, times, PATH), rtol=0, atol=1e-6
        )


def test_second_order_samplers_are_better_at_the_default_steps():
    steps = SamplingConfig().steps
    assert error(dpmpp_2m, steps) < 0.3 * error(euler, steps)
    assert error(heun, steps) < 0.3 * error(euler, steps)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_build_no_graph(name):
    weight = torch.ones(1, requires_grad=True)
    found = SAMPLERS[name](lambda x, t: weight * 0.5 * x, torch.ones(1, 1, 1, 2, 2), time_grid(3), PATH)
    assert not found.requires_grad


# ------------------------------------------------------------------------------------------ against diffusers


def network(x, t):
    """Some smooth estimate of x0 that is not linear in x."""
    t = t.reshape(-1, *[1] * (x.ndim - 1))
    return torch.tanh(x + t) * (1 - 0.5 * t)


def walk(scheduler, x):
    """The sampling loop of diffusers; its networks predict the velocity noise - x0."""
    scheduler.set_begin_index(0)
    for i, timestep in enumerate(scheduler.timesteps):
        sigma = scheduler.sigmas[i]
        velocity = (x - network(x, sigma.expand(len(x)))) / sigma
        x = scheduler.step(velocity, timestep, x, return_dict=False)[0]
    return x


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_euler_equals_diffusers(shift):
    diffusers = pytest.importorskip("diffusers")
    noise = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 0, 11)[:-1].tolist())
    torch.testing.assert_close(scheduler.sigmas, time_grid(10, shift), rtol=0, atol=1e-6)
    ours = euler(network, noise, time_grid(10, shift), PATH)
    torch.testing.assert_close(walk(scheduler, noise), ours, rtol=0, atol=1e-4)


def test_dpmpp_2m_equals_diffusers():
    diffusers = pytest.importorskip("diffusers")
    noise = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    scheduler = diffusers.DPMSolverMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction")
    scheduler.set_timesteps(10)
    # Its own grid stops short of pure noise; the method is the same on ours.
    scheduler.sigmas = time_grid(10)
    ours = dpmpp_2m(network, noise, time_grid(10), PATH)
    torch.testing.assert_close(walk(scheduler, noise), ours, rtol=0, atol=1e-4)


def test_heun_equals_diffusers():
    diffusers = pytest.importorskip("diffusers")
    noise = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    scheduler = diffusers.FlowMatchHeunDiscreteScheduler()
    scheduler.set_timesteps(10)
    times = torch.cat([scheduler.sigmas[:1], scheduler.sigmas[1:-1:2], scheduler.sigmas[-1:]])
    assert len(times) == 11 and times[0] == 1 and times[-1] == 0
    x = walk(scheduler, noise)
    torch.testing.assert_close(x, heun(network, noise, times, PATH), rtol=0, atol=1e-4)
    assert (x - euler(network, noise, times, PATH)).abs().max() > 1e-2
