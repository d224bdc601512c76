"""Noising paths: their ends, their derivatives, and DDPM's table."""

import math

import pytest
import torch

from mutoscope.diffusion.config import DiffusionConfig
from mutoscope.diffusion.paths import (
    CosinePath,
    DiscretePath,
    LinearPath,
    add_noise,
    expand,
    path_of,
    velocity_target,
)

PATHS = {
    "linear": LinearPath(),
    "cosine": CosinePath(),
    "ddpm": DiscretePath(),
    "ddpm zero snr": DiscretePath(zero_terminal_snr=True),
}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())


@every_path
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_paths_end_at_data_and_noise(path, dtype):
    """Exactly: samplers divide by sigma and take the logarithm of alpha."""
    ends = torch.tensor([0.0, 1.0], dtype=dtype)
    alpha, sigma = path.alpha(ends), path.sigma(ends)
    assert alpha.dtype == sigma.dtype == path.arc(ends).dtype == dtype
    assert alpha[0] == 1 and sigma[0] == 0 and not sigma[0].signbit()
    if path == DiscretePath():
        assert 0.079 < alpha[1] < 0.081 and 0.996 < sigma[1] < 0.997
    else:
        assert alpha[1] == 0 and sigma[1] == 1 and not alpha[1].signbit()


@every_path
def test_signal_to_noise_falls_all_the_way(path):
    t = torch.linspace(0, 1, 3001, dtype=torch.float64)[1:]  # six between neighbouring entries of the table
    assert (path.alpha(t) / path.sigma(t)).diff().max() < 0


@every_path
def test_rates_are_the_derivatives_by_arc(path):
    t = (torch.arange(500, dtype=torch.float64) + 0.4) / 500  # between the table's entries, where it has corners
    h = 1e-7
    arc = path.arc(t + h) - path.arc(t - h)
    for value, rate in ((path.alpha, path.alpha_rate), (path.sigma, path.sigma_rate)):
        torch.testing.assert_close(rate(t), (value(t + h) - value(t - h)) / arc, rtol=1e-5, atol=1e-5)


@every_path
def test_the_conversions_have_determinant_one(path):
    t = torch.linspace(0, 1, 101, dtype=torch.float64)
    determinant = path.alpha(t) * path.sigma_rate(t) - path.sigma(t) * path.alpha_rate(t)
    torch.testing.assert_close(determinant, torch.ones_like(t), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["cosine", "ddpm", "ddpm zero snr"])
def test_variance_preserving_paths_walk_the_circle(name):
    path, t = PATHS[name], torch.linspace(0, 1, 101, dtype=torch.float64)
    torch.testing.assert_close(path.alpha(t), path.arc(t).cos(), rtol=0, atol=1e-12)
    torch.testing.assert_close(path.sigma(t), path.arc(t).sin(), rtol=0, atol=1e-12)


def test_arc_of_the_plain_paths():
    t = torch.linspace(0, 1, 11, dtype=torch.float64)
    assert torch.equal(PATHS["linear"].arc(t), t)
    torch.testing.assert_close(PATHS["cosine"].arc(t), t * math.pi / 2)


@every_path
@pytest.mark.parametrize("shape", [(3,), (3, 2)], ids=["per clip", "per frame"])
def test_velocity_target_is_the_derivative_of_add_noise_by_arc(path, shape):
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(3, 2, 2, 4, 4, generator=g, dtype=torch.float64) for _ in range(2))
    t = torch.rand(shape, generator=g, dtype=torch.float64)
    h = 1e-7
    arc = expand(path.arc(t + h) - path.arc(t - h), x0)
    slope = (add_noise(x0, noise, t + h, path) - add_noise(x0, noise, t - h, path)) / arc
    torch.testing.assert_close(velocity_target(x0, noise, t, path), slope, rtol=1e-5, atol=1e-5)


def test_velocities_written_out():
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(3, 2, 2, 4, 4, generator=g) for _ in range(2))
    t = torch.rand(3, generator=g)
    assert torch.equal(velocity_target(x0, noise, t, PATHS["linear"]), noise - x0)
    a, s = (expand(f(t * math.pi / 2), x0) for f in (torch.cos, torch.sin))
    torch.testing.assert_close(velocity_target(x0, noise, t, PATHS["cosine"]), a * noise - s * x0, rtol=0, atol=1e-6)


def test_time_per_frame_is_time_per_clip_frame_by_frame():
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(3, 2, 4, 4, 4, generator=g) for _ in range(2))
    t = torch.rand(3, 4, generator=g)
    whole = add_noise(x0, noise, t, PATHS["linear"])
    for k in range(4):
        part = add_noise(x0[:, :, k : k + 1], noise[:, :, k : k + 1], t[:, k], PATHS["linear"])
        assert torch.equal(whole[:, :, k : k + 1], part)


def test_expand_gives_axes_that_multiply_latents():
    like = torch.zeros(3, 2, 4, 5, 6)
    assert expand(torch.zeros(3), like).shape == (3, 1, 1, 1, 1)
    assert expand(torch.zeros(3, 4), like).shape == (3, 1, 4, 1, 1)
    assert expand(torch.zeros(()), like).shape == (1, 1, 1, 1, 1)


# --------------------------------------------------------------------------------------------- DDPM's table


def textbook_alpha_bar(num_betas, betas):
    """alpha_bar_k = product of 1 - beta_i, one factor after the other."""
    products, product = [1.0], 1.0
    for i in range(num_betas):
        product *= 1 - (betas[0] + (betas[1] - betas[0]) * i / (num_betas - 1))
        products.append(product)
    return torch.tensor(products, dtype=torch.float64)


@pytest.mark.parametrize(("num_betas", "betas"), [(500, (1e-4, 0.02)), (1000, (8.5e-4, 0.012)), (7, (0.1, 0.4))])
def test_the_table_is_ddpms(num_betas, betas):
    path, k = DiscretePath(num_betas, betas), torch.arange(num_betas + 1)
    expected = textbook_alpha_bar(num_betas, betas)
    exact = k.double() / num_betas
    torch.testing.assert_close(path.alpha(exact).square(), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(path.sigma(exact).square(), 1 - expected, rtol=1e-9, atol=1e-16)
    rounded = k / num_betas  # float32, as samplers have it
    torch.testing.assert_close(path.alpha(rounded).square(), expected.float(), rtol=2e-6, atol=0)
    torch.testing.assert_close(path.sigma(rounded).square(), (1 - expected).float(), rtol=1e-4, atol=0)


def test_between_entries_the_logarithm_is_straight():
    path, k = DiscretePath(), torch.tensor([0.0, 1.0, 250.0, 499.0], dtype=torch.float64)
    for share in (0.25, 0.5):
        low, high = path.alpha(k / 500).log(), path.alpha((k + 1) / 500).log()
        torch.testing.assert_close(path.alpha((k + share) / 500).log(), low + share * (high - low))


def test_zero_terminal_snr_is_the_rescaled_table():
    """Lin et al. 2023, algorithm 1: sqrt(alpha_bar) shifted and scaled; first entry kept, last exactly 0."""
    root = textbook_alpha_bar(500, (1e-4, 0.02))[1:].sqrt()
    expected = (root - root[-1]) * root[0] / (root[0] - root[-1])
    found = DiscretePath(zero_terminal_snr=True).alpha(torch.arange(501, dtype=torch.float64) / 500)
    assert found[0] == 1 and found[-1] == 0
    torch.testing.assert_close(found[1:], expected, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("zero_terminal_snr", [False, True])
def test_the_table_equals_diffusers(zero_terminal_snr):
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.DDIMScheduler(500, 1e-4, 0.02, "linear", rescale_betas_zero_snr=zero_terminal_snr)
    ours = DiscretePath(zero_terminal_snr=zero_terminal_snr).alpha(torch.arange(1, 501) / 500)
    torch.testing.assert_close(ours.square(), theirs.alphas_cumprod, rtol=2e-4, atol=1e-6)


def test_small_noise_keeps_its_digits_in_float32():
    t = torch.tensor([1e-6, 1e-4, 2e-3])
    for path in PATHS.values():
        exact = path.sigma(t.double())
        torch.testing.assert_close(path.sigma(t).double(), exact, rtol=1e-6, atol=0)
        torch.testing.assert_close(path.arc(t).double(), path.arc(t.double()), rtol=1e-6, atol=0)


# ----------------------------------------------------------------------------------------- by configuration


def test_every_configuration_gets_its_path():
    assert path_of(DiffusionConfig()) == LinearPath()
    assert path_of(DiffusionConfig(path="cosine")) == CosinePath()
    config = DiffusionConfig(path="ddpm", num_betas=10, betas=(0.1, 0.2), zero_terminal_snr=True)
    assert path_of(config) == DiscretePath(10, (0.1, 0.2), True)
    assert path_of(DiffusionConfig.model_validate_json(config.model_dump_json())) == path_of(config)
    assert path_of(DiffusionConfig(path="ddpm")) == DiscretePath()
