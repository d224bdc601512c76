"""Conversions between what a network predicts and x0."""

import pytest
import torch

from mutoscope.diffusion.objective import diffusion_loss
from mutoscope.diffusion.paths import PATHS, add_noise, expand, velocity_target
from mutoscope.diffusion.predictions import to_x0, velocity_weight

PATH = PATHS["linear"]


def draws(dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(4, 3, 2, 4, 4, generator=g).to(dtype) for _ in range(2))
    return x0, noise, g


@pytest.mark.parametrize("shape", [(4,), (4, 2)], ids=["per clip", "per frame"])
def test_to_x0_inverts_the_velocity_target(shape):
    x0, noise, g = draws()
    t = torch.rand(shape, generator=g)
    xt = add_noise(x0, noise, t, PATH)
    estimate = to_x0(velocity_target(x0, noise, t, PATH), xt, t, PATH, "velocity")
    torch.testing.assert_close(estimate, x0, rtol=0, atol=2e-6)


def test_to_x0_holds_at_both_ends():
    x0, noise, _ = draws()
    for t in (torch.zeros(4), torch.ones(4)):
        xt = add_noise(x0, noise, t, PATH)
        torch.testing.assert_close(to_x0(noise - x0, xt, t, PATH, "velocity"), x0, rtol=0, atol=2e-6)


def test_x0_stands_for_itself():
    x0, noise, g = draws()
    assert torch.equal(to_x0(x0, noise, torch.rand(4, generator=g), PATH, "x0"), x0)


def test_estimates_are_float32_whatever_the_network_runs_in():
    output, xt, g = draws(torch.bfloat16)
    t = torch.rand(4, generator=g)
    for prediction in ("velocity", "x0"):
        assert to_x0(output, xt, t, PATH, prediction).dtype == torch.float32
    expected = xt.float() - expand(t, xt) * output.float()
    torch.testing.assert_close(to_x0(output, xt, t, PATH, "velocity"), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(4,), (4, 2)], ids=["per clip", "per frame"])
def test_both_losses_agree_for_the_same_estimate_away_from_the_floor(shape):
    x0, noise, g = draws()
    t = 0.1 + 0.9 * torch.rand(shape, generator=g)
    guess = torch.randn(x0.shape, generator=g)  # the x0 that both networks believe in
    velocity = (add_noise(x0, noise, t, PATH) - guess) / expand(t, x0)
    from_velocity = diffusion_loss(lambda xt, t, c: velocity, x0, None, t, noise, PATH, "velocity")
    from_x0 = diffusion_loss(lambda xt, t, c: guess, x0, None, t, noise, PATH, "x0")
    torch.testing.assert_close(from_x0, from_velocity, rtol=1e-4, atol=0)


def test_velocity_weight_is_floored():
    t = torch.tensor([0.0, 0.01, 0.05, 0.5, 1.0])
    torch.testing.assert_close(velocity_weight(t, PATH), torch.tensor([400.0, 400.0, 400.0, 4.0, 1.0]))
    torch.testing.assert_close(velocity_weight(t, PATH, floor=0.5)[:3], torch.full((3,), 4.0))
