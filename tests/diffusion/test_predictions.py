"""Conversions between what a network predicts and x0, and the weights that make their losses comparable."""

import pytest
import torch

from mutoscope.diffusion.objective import diffusion_loss
from mutoscope.diffusion.paths import CosinePath, DiscretePath, LinearPath, add_noise, expand, velocity_target
from mutoscope.diffusion.predictions import loss_weight, target_of, to_x0, velocity_of, velocity_weight

PATH = LinearPath()
ZERO_SNR = DiscretePath(zero_terminal_snr=True)
EVERY_PAIR = [
    pytest.param(path, prediction, id=f"{name} {prediction}")
    for name, path in {"linear": PATH, "cosine": CosinePath(), "ddpm": DiscretePath(), "zero snr": ZERO_SNR}.items()
    for prediction in ("velocity", "epsilon", "x0")
    if prediction != "epsilon" or name == "ddpm"
]
every_shape = pytest.mark.parametrize("shape", [(4,), (4, 2)], ids=["per clip", "per frame"])


def draws(dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(4, 3, 2, 4, 4, generator=g).to(dtype) for _ in range(2))
    return x0, noise, g


@pytest.mark.parametrize(("path", "prediction"), EVERY_PAIR)
@every_shape
def test_to_x0_inverts_the_target(path, prediction, shape):
    x0, noise, g = draws()
    t = torch.rand(shape, generator=g)
    xt = add_noise(x0, noise, t, path)
    output = target_of(x0, noise, t, path, prediction)
    torch.testing.assert_close(to_x0(output, xt, t, path, prediction), x0, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("path", "prediction"), EVERY_PAIR)
def test_to_x0_holds_at_both_ends(path, prediction):
    x0, noise, _ = draws()
    for t in (torch.zeros(4), torch.ones(4)):
        xt = add_noise(x0, noise, t, path)
        output = target_of(x0, noise, t, path, prediction)
        torch.testing.assert_close(to_x0(output, xt, t, path, prediction), x0, rtol=0, atol=2e-5)


@pytest.mark.parametrize("path", [PATH, CosinePath(), DiscretePath(), ZERO_SNR])
@every_shape
def test_velocity_of_is_the_velocity_of_the_path_and_inverts_to_x0(path, shape):
    x0, noise, g = draws()
    t = 0.05 + 0.95 * torch.rand(shape, generator=g)
    xt = add_noise(x0, noise, t, path)
    velocity = velocity_of(xt, x0, t, path)
    torch.testing.assert_close(velocity, velocity_target(x0, noise, t, path), rtol=0, atol=1e-4)
    torch.testing.assert_close(to_x0(velocity, xt, t, path, "velocity"), x0, rtol=0, atol=1e-5)


def test_targets_by_name():
    x0, noise, g = draws()
    t = torch.rand(4, generator=g)
    assert target_of(x0, noise, t, DiscretePath(), "epsilon") is noise
    assert target_of(x0, noise, t, PATH, "x0") is x0
    assert torch.equal(target_of(x0, noise, t, PATH, "velocity"), noise - x0)


def test_x0_stands_for_itself():
    x0, noise, g = draws()
    assert torch.equal(to_x0(x0, noise, torch.rand(4, generator=g), PATH, "x0"), x0)


def test_estimates_are_float32_whatever_the_network_runs_in():
    output, xt, g = draws(torch.bfloat16)
    t = torch.rand(4, generator=g)
    for prediction in ("velocity", "epsilon", "x0"):
        assert to_x0(output, xt, t, DiscretePath(), prediction).dtype == torch.float32
    expected = xt.float() - expand(t, xt) * output.float()
    torch.testing.assert_close(to_x0(output, xt, t, PATH, "velocity"), expected, rtol=0, atol=1e-6)


# -------------------------------------------------------------------------------------------------- weights


def output_for(guess, xt, t, path, prediction):
    """What a network says that believes in this x0; written out from x_t = alpha x0 + sigma noise."""
    epsilon = (xt - path.alpha(expand(t, xt)) * guess) / path.sigma(expand(t, xt))
    return target_of(guess, epsilon, t, path, prediction)


def losses_of_one_guess(path, predictions, shape, min_snr_gamma):
    """Losses of networks that believe in the same x0, away from the floor of the x0 weight; and their t and error."""
    x0, noise, g = draws(torch.float64)
    t = 0.1 + 0.85 * torch.rand(shape, generator=g, dtype=torch.float64)
    guess = torch.randn(x0.shape, generator=g, dtype=torch.float64)
    found = []
    for prediction in predictions:
        output = output_for(guess, add_noise(x0, noise, t, path), t, path, prediction)
        found.append(diffusion_loss(lambda *_, o=output: o, x0, None, t, noise, path, prediction, min_snr_gamma))
    return found, expand(t, x0), (guess - x0).square()


@every_shape
@pytest.mark.parametrize("path", [PATH, CosinePath(), DiscretePath(), ZERO_SNR])
@pytest.mark.parametrize("gamma", [0.3, 5.0, 1e6])
def test_under_min_snr_all_predictions_lose_the_same(path, shape, gamma):
    predictions = ("velocity", "x0", "epsilon")  # epsilon everywhere: here t stays away from its pole
    losses, t, error = losses_of_one_guess(path, predictions, shape, gamma)
    weight = (path.alpha(t) / path.sigma(t)).square().clamp(max=gamma)
    expected = (weight * error).flatten(1).mean(1)
    for loss in losses:
        torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0, check_dtype=False)


@every_shape
@pytest.mark.parametrize("path", [PATH, CosinePath(), ZERO_SNR])
def test_without_it_x0_loses_what_velocity_loses(path, shape):
    (from_velocity, from_x0), t, error = losses_of_one_guess(path, ("velocity", "x0"), shape, 0.0)
    torch.testing.assert_close(from_x0, from_velocity, rtol=1e-5, atol=0)
    expected = (error / path.sigma(t).square()).flatten(1).mean(1)
    torch.testing.assert_close(from_velocity, expected, rtol=1e-5, atol=0, check_dtype=False)


def test_without_it_epsilon_loses_snr_times_the_error_of_x0():
    path = DiscretePath()
    (loss,), t, error = losses_of_one_guess(path, ("epsilon",), (4,), 0.0)
    expected = ((path.alpha(t) / path.sigma(t)).square() * error).flatten(1).mean(1)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0, check_dtype=False)


@pytest.mark.parametrize(("path", "prediction"), EVERY_PAIR)
@pytest.mark.parametrize("gamma", [0.0, 5.0])
def test_weights_are_finite_up_to_both_ends(path, prediction, gamma):
    weight = loss_weight(torch.tensor([0.0, 1e-6, 0.5, 1.0]), path, prediction, gamma)
    assert weight.isfinite().all() and (weight >= 0).all() and weight[2] > 0


def test_min_snr_keeps_the_prediction_own_loss_where_gamma_never_bites():
    """Velocity on a variance-preserving path: min(SNR, gamma) sigma^2 is alpha^2 for SNR < gamma."""
    t = torch.tensor([0.6, 0.8, 1.0])
    weight = loss_weight(t, CosinePath(), "velocity", 5.0)
    torch.testing.assert_close(weight, (t * torch.pi / 2).cos().square(), rtol=1e-5, atol=1e-12)


def test_velocity_weight_is_floored():
    t = torch.tensor([0.0, 0.01, 0.05, 0.5, 1.0])
    torch.testing.assert_close(velocity_weight(t, PATH), torch.tensor([400.0, 400.0, 400.0, 4.0, 1.0]))
    torch.testing.assert_close(velocity_weight(t, PATH, floor=0.5)[:3], torch.full((3,), 4.0))
