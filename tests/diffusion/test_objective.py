"""The loss of networks for which it is known."""

import pytest
import torch

from mutoscope.diffusion.objective import diffusion_loss
from mutoscope.diffusion.paths import CosinePath, DiscretePath, LinearPath, expand
from mutoscope.types import Context

PATH = LinearPath()


def draws(b=64):
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(b, 4, 4, 8, 8, generator=g) for _ in range(2))
    return x0, noise, g


every_shape = pytest.mark.parametrize("shape", [(64,), (64, 4)], ids=["per clip", "per frame"])


@every_shape
@pytest.mark.parametrize(
    ("path", "prediction", "expected"),
    [
        (PATH, "velocity", 2),
        (CosinePath(), "velocity", 1),
        (DiscretePath(), "velocity", 1),
        (DiscretePath(), "epsilon", 1),
        (DiscretePath(zero_terminal_snr=True), "velocity", 1),
    ],
)
def test_silent_network_loses_what_it_must(path, prediction, expected, shape):
    """The variance of the target on unit-variance latents: noise - x0, alpha noise - sigma x0, noise."""
    x0, noise, g = draws()
    t = torch.rand(shape, generator=g)
    loss = diffusion_loss(lambda xt, t, c: torch.zeros_like(xt), x0, None, t, noise, path, prediction)
    assert loss.shape == (64,)
    assert abs(loss.mean().item() - expected) < 0.01 * expected


@every_shape
def test_perfect_networks_lose_nothing(shape):
    x0, noise, g = draws()
    t = torch.rand(shape, generator=g)
    assert diffusion_loss(lambda xt, t, c: noise - x0, x0, None, t, noise, PATH, "velocity").max() == 0
    assert diffusion_loss(lambda xt, t, c: noise, x0, None, t, noise, DiscretePath(), "epsilon").max() == 0
    assert diffusion_loss(lambda xt, t, c: x0, x0, None, t, noise, PATH, "x0").max() == 0


def test_the_network_sees_the_noised_latents_the_times_and_the_text():
    x0, noise, g = draws(2)
    t = torch.rand(2, generator=g)
    context = Context(torch.zeros(2, 3, 8), torch.ones(2, 3, dtype=torch.bool))
    seen = []

    def network(xt, t, context):
        seen.append((xt, t, context))
        return torch.zeros_like(xt)

    diffusion_loss(network, x0, context, t, noise, PATH, "velocity")
    ((xt, times, text),) = seen
    torch.testing.assert_close(xt, (1 - expand(t, x0)) * x0 + expand(t, x0) * noise)
    assert times is t and text is context


def test_clips_do_not_mix():
    x0, noise, g = draws(4)
    t = torch.rand(4, generator=g)
    for prediction in ("velocity", "epsilon", "x0"):
        rest = (DiscretePath(), prediction, 5.0)
        together = diffusion_loss(lambda xt, t, c: 0.3 * xt, x0, None, t, noise, *rest)
        alone = diffusion_loss(lambda xt, t, c: 0.3 * xt, x0[2:3], None, t[2:3], noise[2:3], *rest)
        torch.testing.assert_close(alone[0], together[2])


def test_loss_is_float32_for_a_low_precision_network():
    x0, noise, g = draws(2)
    loss = diffusion_loss(lambda xt, t, c: xt.bfloat16(), x0, None, torch.rand(2, generator=g), noise, PATH, "velocity")
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("prediction", ["velocity", "x0"])
def test_given_frames_do_not_count(prediction):
    """The loss is that of the other frames alone, whatever the network says about the given ones."""
    x0, noise, g = draws(3)
    t = torch.rand(3, 4, generator=g)
    given = torch.tensor([[True, True, False, False], [True, False, False, True], [False] * 4])
    t[given] = 0.0
    found = diffusion_loss(lambda xt, t, c: 0.3 * xt, x0, None, t, noise, PATH, prediction, given=given)
    for i in range(3):
        rest = ~given[i]
        parts = (x[i : i + 1, :, rest] for x in (x0, noise))
        alone = diffusion_loss(
            lambda xt, t, c: 0.3 * xt, next(parts), None, t[i : i + 1, rest], next(parts), PATH, prediction
        )
        torch.testing.assert_close(found[i], alone[0])

    def lying(xt, t, c):
        return torch.where(given[:, None, :, None, None], 100.0, 0.3 * xt)

    assert torch.equal(diffusion_loss(lying, x0, None, t, noise, PATH, prediction, given=given), found)
    assert (found != diffusion_loss(lambda xt, t, c: 0.3 * xt, x0, None, t, noise, PATH, prediction))[:2].all()


def test_a_silent_network_loses_two_on_the_frames_that_count():
    x0, noise, g = draws()
    given = torch.arange(4).expand(64, -1) < 3
    t = torch.where(given, 0.03, torch.rand(64, 1, generator=g))
    loss = diffusion_loss(lambda xt, t, c: torch.zeros_like(xt), x0, None, t, noise, PATH, "velocity", given=given)
    assert loss.shape == (64,) and abs(loss.mean().item() - 2) < 0.03
