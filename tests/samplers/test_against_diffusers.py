"""Samplers against those of diffusers, on the same times with the same fresh noise."""

import pytest
import torch

from mutoscope.diffusion.paths import DiscretePath, LinearPath
from mutoscope.diffusion.timesteps import time_grid
from mutoscope.samplers.ddim import ddim
from mutoscope.samplers.ddpm import ddpm
from mutoscope.samplers.dpm_solver import dpmpp_2m, dpmpp_2m_sde
from mutoscope.samplers.euler import euler
from mutoscope.samplers.heun import heun
from mutoscope.samplers.unipc import unipc

diffusers = pytest.importorskip("diffusers")
LINEAR, TABLE = LinearPath(), DiscretePath()
SHAPE = (2, 3, 2, 4, 4)
BETAS = {"num_train_timesteps": 500, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}
ON_TABLE = BETAS | {"prediction_type": "sample", "timestep_spacing": "trailing"}


def seeded(seed):
    g = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(SHAPE, generator=g)


NOISE = seeded(1)()


def network(x, t):
    """Some smooth estimate of x0 that is not linear in x."""
    t = t.reshape(-1, *[1] * (x.ndim - 1))
    return torch.tanh(x + t) * (1 - 0.5 * t)


def walk_flow(scheduler, x, **step_arguments):
    """The sampling loop of diffusers on the linear path; its networks predict the velocity noise - x0."""
    scheduler.set_begin_index(0)
    for i, timestep in enumerate(scheduler.timesteps):
        sigma = scheduler.sigmas[i]
        velocity = (x - network(x, sigma.expand(len(x)))) / sigma
        x = scheduler.step(velocity, timestep, x, return_dict=False, **fresh(step_arguments))[0]
    return x


def walk_table(scheduler, x, stop=None, **step_arguments):
    """The same on DDPM's table with a network that predicts x0; timestep n of theirs is entry n + 1 of ours."""
    for timestep in scheduler.timesteps[:stop]:
        t = ((timestep + 1) / 500).expand(len(x))
        x = scheduler.step(network(x, t), timestep, x, return_dict=False, **fresh(step_arguments))[0]
    return x


def fresh(arguments):
    """Arguments of one step: functions are called anew for each."""
    return {name: value() if callable(value) else value for name, value in arguments.items()}


def assert_same(theirs, ours):
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-4)


def begin(path):
    return path.sigma(torch.ones(())) * NOISE


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_euler(shift):
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 0, 11)[:-1].tolist())
    torch.testing.assert_close(scheduler.sigmas, time_grid(10, shift), rtol=0, atol=1e-6)
    assert_same(walk_flow(scheduler, NOISE), euler(network, NOISE, time_grid(10, shift), LINEAR))


def test_heun():
    scheduler = diffusers.FlowMatchHeunDiscreteScheduler()
    scheduler.set_timesteps(10)
    times = torch.cat([scheduler.sigmas[:1], scheduler.sigmas[1:-1:2], scheduler.sigmas[-1:]])
    assert len(times) == 11 and times[0] == 1 and times[-1] == 0
    theirs = walk_flow(scheduler, NOISE)
    assert_same(theirs, heun(network, NOISE, times, LINEAR))
    assert (theirs - euler(network, NOISE, times, LINEAR)).abs().max() > 1e-2


@pytest.mark.parametrize("steps", [500, 50])
def test_ddpm(steps):
    scheduler = diffusers.DDPMScheduler(**ON_TABLE, variance_type="fixed_large", clip_sample=False)
    scheduler.set_timesteps(steps)
    seen = []

    def recording(x, t):
        seen.append(x)
        return network(x, t)

    ours = ddpm(recording, NOISE, time_grid(steps), TABLE, seeded(3))
    theirs = walk_table(scheduler, begin(TABLE), stop=-1, generator=torch.Generator().manual_seed(3))
    assert_same(theirs, seen[-1])
    if steps == 500:  # with fewer, theirs adds noise to the last step
        assert_same(walk_table(scheduler, begin(TABLE), generator=torch.Generator().manual_seed(3)), ours)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("zero_terminal_snr", [False, True])
def test_ddim(eta, zero_terminal_snr):
    path = DiscretePath(zero_terminal_snr=zero_terminal_snr)
    scheduler = diffusers.DDIMScheduler(**ON_TABLE, clip_sample=False, rescale_betas_zero_snr=zero_terminal_snr)
    scheduler.set_timesteps(25)
    theirs = walk_table(scheduler, begin(path), eta=eta, variance_noise=seeded(3) if eta else None)
    assert_same(theirs, ddim(network, NOISE, time_grid(25), path, seeded(3), eta))


def dpm_solver(algorithm, **settings):
    return diffusers.DPMSolverMultistepScheduler(**settings, algorithm_type=algorithm, solver_order=2)


@pytest.mark.parametrize("steps", [10, 25])
def test_dpmpp_2m(steps):
    scheduler = dpm_solver("dpmsolver++", use_flow_sigmas=True, prediction_type="flow_prediction")
    scheduler.set_timesteps(steps)
    scheduler.sigmas = time_grid(steps)  # its own grid stops short of pure noise; the method is the same on ours
    assert_same(walk_flow(scheduler, NOISE), dpmpp_2m(network, NOISE, time_grid(steps), LINEAR))
    scheduler = dpm_solver("dpmsolver++", **ON_TABLE)
    scheduler.set_timesteps(steps)
    assert_same(on_variance_preserving(scheduler, TABLE), dpmpp_2m(network, NOISE, time_grid(steps), TABLE))


@pytest.mark.parametrize("steps", [10, 25])
def test_dpmpp_2m_sde(steps):
    scheduler = dpm_solver("sde-dpmsolver++", use_flow_sigmas=True, prediction_type="flow_prediction")
    scheduler.set_timesteps(steps)
    scheduler.sigmas = time_grid(steps)
    theirs = walk_flow(scheduler, NOISE, variance_noise=seeded(3))
    assert_same(theirs, dpmpp_2m_sde(network, NOISE, time_grid(steps), LINEAR, seeded(3)))
    scheduler = dpm_solver("sde-dpmsolver++", **ON_TABLE)
    scheduler.set_timesteps(steps)
    theirs = on_variance_preserving(scheduler, TABLE, variance_noise=seeded(3))
    assert_same(theirs, dpmpp_2m_sde(network, NOISE, time_grid(steps), TABLE, seeded(3)))


def on_variance_preserving(scheduler, path, **step_arguments):
    """Their grid is ours; then their walk."""
    times = time_grid(len(scheduler.timesteps))
    torch.testing.assert_close(scheduler.sigmas, path.sigma(times) / path.alpha(times), rtol=1e-3, atol=1e-6)
    return walk_table(scheduler, begin(path), **step_arguments)


@pytest.mark.parametrize("steps", [10, 25])
def test_unipc(steps):
    scheduler = diffusers.UniPCMultistepScheduler(**ON_TABLE, solver_order=2, solver_type="bh2")
    scheduler.set_timesteps(steps)
    ours = unipc(network, NOISE, time_grid(steps), TABLE)
    assert_same(on_variance_preserving(scheduler, TABLE), ours)
    assert (ours - dpmpp_2m(network, NOISE, time_grid(steps), TABLE)).abs().max() > 3e-4  # the corrector shows


def test_unipc_on_the_linear_path():
    """Theirs cannot begin at pure noise: where log SNR is -inf it answers NaN. So both begin a little later."""
    times = time_grid(10)
    times[0] = 0.98
    scheduler = diffusers.UniPCMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction", solver_order=2
    )
    scheduler.set_timesteps(10)
    scheduler.sigmas = times
    assert_same(walk_flow(scheduler, 0.98 * NOISE), unipc(network, NOISE, times, LINEAR))
