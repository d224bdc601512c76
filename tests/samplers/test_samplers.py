"""Samplers: what they ask and draw, where a perfect network leads them, the textbook's formulas, and each other."""

from functools import partial
from typing import get_args

import pytest
import torch
from closed_form import exact_denoiser
from pydantic import ValidationError

from mutoscope.diffusion.config import DiffusionConfig, PathName, predictions_of
from mutoscope.diffusion.paths import CosinePath, DiscretePath, LinearPath, path_of
from mutoscope.diffusion.predictions import target_of, to_x0
from mutoscope.diffusion.timesteps import time_grid
from mutoscope.samplers.config import SamplerName, SamplingConfig
from mutoscope.samplers.ddim import ddim
from mutoscope.samplers.ddpm import ddpm
from mutoscope.samplers.dpm_solver import dpmpp_2m, dpmpp_2m_sde
from mutoscope.samplers.euler import euler
from mutoscope.samplers.fresh_noise import fresh_share
from mutoscope.samplers.table import sampler_of
from mutoscope.samplers.unipc import corrector_weights, unipc

PATHS = {
    "linear": LinearPath(),
    "cosine": CosinePath(),
    "ddpm": DiscretePath(),
    "ddpm zero snr": DiscretePath(zero_terminal_snr=True),
}
LINEAR = PATHS["linear"]
SETTINGS = [SamplingConfig(sampler=name) for name in get_args(SamplerName)]
SETTINGS += [SamplingConfig(sampler="ddim", eta=eta) for eta in (0.5, 1.0)]
STOCHASTIC = {"ddpm", "dpmpp_2m_sde"}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
every_sampler = pytest.mark.parametrize(
    "config", SETTINGS, ids=lambda c: f"{c.sampler} {c.eta}" if c.eta else c.sampler
)
ddim_ode = partial(ddim, draw=lambda: pytest.fail("eta 0 draws nothing"), eta=0.0)


def seeded(shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=g)


# ------------------------------------------------------------------------------------------- what they call


def expected_calls(name, times):
    """The times a sampler of n steps asks the network about, in order."""
    starts = times[:-1].tolist()
    if name != "heun":
        return starts
    return [t for i, start in enumerate(starts) for t in ([start, starts[i + 1]] if i + 1 < len(starts) else [start])]


@every_path
@every_sampler
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_samplers_call_the_network_at_exactly_these_times(config, steps, path):
    times, calls, drawn = time_grid(steps, 2.0), [], []
    noise = seeded((3, 2, 2, 4, 4))()

    def recording(x, t):
        assert x.shape == (3, 2, 2, 4, 4) and t.shape == (3,) and t.dtype == x.dtype == torch.float32
        assert (t == t[0]).all()
        if not calls:
            assert torch.equal(x, path.sigma(times[0]) * noise)
        calls.append(t[0].item())
        return 0.5 * x

    def draw():
        drawn.append(1)
        return torch.randn(3, 2, 2, 4, 4, generator=torch.Generator().manual_seed(len(drawn)))

    found = sampler_of(config, draw)(recording, noise, times, path)
    assert calls == expected_calls(config.sampler, times)
    assert len(calls) == config.model_copy(update={"steps": steps}).network_steps
    assert len(drawn) == (steps - 1 if config.sampler in STOCHASTIC or config.eta else 0)
    assert found.dtype == torch.float32 and found.isfinite().all()


@every_path
@every_sampler
def test_samplers_leave_the_noise_as_it_was_and_build_no_graph(config, path):
    weight, noise = torch.ones(1, requires_grad=True), torch.ones(2, 1, 1, 2, 2)
    found = sampler_of(config, seeded((2, 1, 1, 2, 2)))(lambda x, t: weight * 0.5 * x, noise, time_grid(3), path)
    assert not found.requires_grad and torch.equal(noise, torch.ones(2, 1, 1, 2, 2))


LEGAL = [
    pytest.param(
        fields := {"path": path, "prediction": prediction, "zero_terminal_snr": zero},
        id=" ".join(map(str, fields.values())),
    )
    for path in get_args(PathName)
    for zero in ((False, True) if path == "ddpm" else (False,))
    for prediction in predictions_of(path, zero)
]


@pytest.mark.parametrize("fields", LEGAL)
@every_sampler
@pytest.mark.parametrize("steps", [1, 4])
def test_a_perfect_network_of_a_single_point_leads_there(config, fields, steps):
    """Every legal path and prediction with every sampler: data without spread, so every estimate is that point."""
    diffusion = DiffusionConfig(**fields)
    path, shape = path_of(diffusion), (2, 3, 2, 4, 4)
    target, noise, begun = seeded(shape, 1)(), seeded(shape, 2)(), []

    def denoise(xt, t):
        a, s = path.alpha(t[:1]), path.sigma(t[:1])
        output = target_of(target, (xt - a * target) / s, t, path, diffusion.prediction)
        begun.append(t[0].item())
        return to_x0(output, xt, t, path, diffusion.prediction)

    found = sampler_of(config, seeded(shape))(denoise, noise, time_grid(steps), path)
    straight = fields["path"] == "linear" or config.sampler not in ("euler", "heun")
    # tangents of the circle end beside the point, further the longer they are
    longest = path.arc(time_grid(steps)).diff().abs().max().item()
    allowed = 1e-4 if straight else 3 * longest**2
    torch.testing.assert_close(found, target, rtol=0, atol=allowed)
    assert begun[0] == 1


# --------------------------------------------------------------------------------------- against each other


def some_network(x, t):
    t = t.reshape(-1, *[1] * (x.ndim - 1))
    return torch.tanh(x + t) * (1 - 0.5 * t)


def test_ddim_is_euler_on_the_linear_path():
    noise = seeded((2, 3, 2, 4, 4))()
    for steps in (1, 4, 16):
        times = time_grid(steps)
        found, expected = (f(exact_denoiser(LINEAR), noise, times, LINEAR) for f in (ddim_ode, euler))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@every_path
@pytest.mark.parametrize("sampler", [dpmpp_2m, unipc])
def test_one_step_of_the_multistep_methods_is_ddim(sampler, path):
    noise, times = seeded((2, 3, 2, 4, 4))(), time_grid(1)
    found, expected = (f(some_network, noise, times, path) for f in (sampler, ddim_ode))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@every_path
def test_first_order_steps_of_the_sde_are_ddim_with_eta_one(path):
    """Two steps: the first and the last are first-order."""
    shape, times = (2, 3, 2, 4, 4), time_grid(2)
    found = dpmpp_2m_sde(some_network, seeded(shape, 5)(), times, path, seeded(shape))
    expected = ddim(some_network, seeded(shape, 5)(), times, path, seeded(shape), 1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_corrector_weights_integrate_straight_and_bent_lines_exactly():
    """x0 = lambda and lambda^2 along the step: h times the mean under the density e^(lambda - h) / (1 - e^-h)."""
    for h, ratio in ((0.3, 1.0), (1.5, 0.5), (4.0, 3.0)):
        u = torch.linspace(0, h, 20001, dtype=torch.float64)
        density = (u - h).exp() / -torch.expm1(torch.tensor(-h, dtype=torch.float64))
        before = -h / ratio  # where the last step began, this one beginning at 0
        w_last, w_this = corrector_weights(*torch.tensor([ratio, h], dtype=torch.float64))
        for f in (lambda u: u, lambda u: u**2):
            change = ratio * (f(0.0) - f(before))
            torch.testing.assert_close(
                w_last * change + w_this * f(h), torch.trapezoid(density * f(u), u), rtol=1e-6, atol=0
            )


# ------------------------------------------------------------------------------------------------- textbook


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_ddpm_is_the_textbook_step_by_step(dtype):
    """x = (x - beta / sqrt(1 - alpha_bar) epsilon) / sqrt(1 - beta) + sqrt(beta) z, and no z at the end."""
    path, betas = DiscretePath(), torch.linspace(1e-4, 0.02, 500, dtype=torch.float64)
    alpha_bars = (1 - betas).cumprod(0)
    times = torch.linspace(1, 0, 501, dtype=dtype)
    noise, fresh = seeded((2, 6))().to(dtype), [seeded((2, 6), k)().to(dtype) for k in range(1, 500)]

    def epsilon_of(x, k):
        return torch.sin(3 * x + k / 100)

    seen, waiting = [], iter(fresh)

    def denoise(x, t):
        seen.append(x)
        return to_x0(epsilon_of(x, round(t[0].item() * 500)), x, t, path, "epsilon")

    found = ddpm(denoise, noise, times, path, lambda: next(waiting))
    x, z = (1 - alpha_bars[-1]).sqrt() * noise, iter(fresh)
    for i, k in enumerate(range(500, 0, -1)):
        torch.testing.assert_close(seen[i], x, rtol=0, atol=1e-10 if dtype == torch.float64 else 2e-4)
        beta, alpha_bar = betas[k - 1], alpha_bars[k - 1]
        x = (x - beta / (1 - alpha_bar).sqrt() * epsilon_of(x, k)) / (1 - beta).sqrt()
        x = x + beta.sqrt() * next(z) if k > 1 else x
    torch.testing.assert_close(found, x, rtol=0, atol=1e-10 if dtype == torch.float64 else 2e-4)


def test_fresh_share_is_beta_on_neighbouring_entries():
    path, betas = DiscretePath(), torch.linspace(1e-4, 0.02, 500, dtype=torch.float64)
    for k in (1, 2, 17, 500):
        t, t_next = torch.tensor([k, k - 1]) / 500  # float32 times, float64 answer
        found = path.sigma(t.double()).square() * fresh_share(t, t_next, path)
        torch.testing.assert_close(found, betas[k - 1], rtol=1e-4, atol=0)


@every_path
def test_fresh_share_composes(path):
    """What two steps keep of the noise is the product of what each keeps."""
    a, b, c = torch.tensor([0.9, 0.5, 0.2], dtype=torch.float64)
    kept = (1 - fresh_share(a, b, path)) * (1 - fresh_share(b, c, path))
    torch.testing.assert_close(1 - fresh_share(a, c, path), kept)
    assert fresh_share(a, torch.zeros_like(a), path) == 1
    assert fresh_share(torch.ones_like(a), b, path) == 1 or path == PATHS["ddpm"]


# ------------------------------------------------------------------------------------------- configuration


@pytest.mark.parametrize("name", [name for name in get_args(SamplerName) if name != "ddim"])
def test_eta_is_ddims(name):
    with pytest.raises(ValidationError, match=f"eta=0.5 needs sampler=ddim, got sampler={name}. Leave it at 0, or set"):
        SamplingConfig(sampler=name, eta=0.5)


def test_every_name_is_another_sampler():
    shape = (2, 1, 1, 2, 2)
    found = [
        sampler_of(c, seeded(shape))(some_network, seeded(shape, 3)(), time_grid(8), CosinePath()) for c in SETTINGS
    ]
    for i, one in enumerate(found):
        assert all((one - other).abs().max() > 1e-4 for other in found[:i])
