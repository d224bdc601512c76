"""Noising paths: their ends, their derivatives."""

import pytest
import torch

from mutoscope.diffusion.paths import PATHS, add_noise, expand, velocity_target


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_paths_end_at_data_and_noise(path):
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(path.alpha(ends), torch.tensor([1.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(path.sigma(ends), torch.tensor([0.0, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_signal_to_noise_falls_all_the_way(path):
    t = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    assert (path.alpha(t) / path.sigma(t)).diff().max() < 0


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_rates_are_the_derivatives(path):
    t = torch.linspace(0, 1, 11, dtype=torch.float64, requires_grad=True)
    for value, rate in ((path.alpha, path.alpha_rate), (path.sigma, path.sigma_rate)):
        (gradient,) = torch.autograd.grad(value(t).sum(), t)
        torch.testing.assert_close(rate(t), gradient)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
@pytest.mark.parametrize("shape", [(3,), (3, 2)], ids=["per clip", "per frame"])
def test_velocity_target_is_the_derivative_of_add_noise(path, shape):
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(3, 2, 2, 4, 4, generator=g, dtype=torch.float64) for _ in range(2))
    t = torch.rand(shape, generator=g, dtype=torch.float64)
    h = 1e-5
    slope = (add_noise(x0, noise, t + h, path) - add_noise(x0, noise, t - h, path)) / (2 * h)
    torch.testing.assert_close(velocity_target(x0, noise, t, path), slope, rtol=1e-8, atol=1e-8)


def test_linear_velocity_is_noise_minus_data():
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(3, 2, 2, 4, 4, generator=g) for _ in range(2))
    assert torch.equal(velocity_target(x0, noise, torch.rand(3, generator=g), PATHS["linear"]), noise - x0)


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
