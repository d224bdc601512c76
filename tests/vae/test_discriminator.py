"""The decoder's adversary: hinge and R1 against closed forms, and the balance of two losses."""

import pytest
import torch
from torch import nn

from mutoscope.vae.discriminator import R1_STEP, R1_WEIGHT, Discriminator, balance, discriminator_loss, generator_loss


class Linear(nn.Module):
    """Logits that are linear in the clip, so that their slope is known."""

    def __init__(self, logits=3):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(logits, 3 * 2 * 4 * 4, generator=torch.Generator().manual_seed(0)))

    def forward(self, frames):
        return frames.flatten(1) @ self.weight.T


def clips(b=2, seed=0):
    return torch.randn(b, 3, 2, 4, 4, generator=torch.Generator().manual_seed(seed))


def test_hinge_and_penalty_are_the_closed_form():
    network, frames, decoded, noise = Linear(), clips(seed=1), clips(seed=2), clips(seed=3)
    hinge = (1 - network(frames)).clamp(min=0).mean(1) + (1 + network(decoded)).clamp(min=0).mean(1)
    expected = hinge + R1_WEIGHT / 2 * network(noise).square().mean(1)  # a linear function changes by itself
    torch.testing.assert_close(discriminator_loss(network, frames, decoded, noise), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(generator_loss(network, decoded), -network(decoded).mean(1))


def test_the_penalty_is_the_squared_slope_on_average():
    network, b = Linear(logits=1), 4000
    frames, noise = clips(1).expand(b, -1, -1, -1, -1), clips(b, seed=1)
    penalty = discriminator_loss(network, frames, frames, noise) - discriminator_loss(
        network, frames, frames, 0 * noise
    )
    expected = R1_WEIGHT / 2 * network.weight.square().sum()
    assert penalty.mean().item() == pytest.approx(expected.item(), rel=0.05)
    assert R1_STEP < 0.5  # a step, not a leap: frames are in [-1, 1]


@pytest.mark.parametrize("channels, num_frames, height, width", [(3, 17, 64, 64), (1, 1, 16, 24), (3, 2, 4, 12)])
@torch.no_grad()
def test_clips_of_any_shape_have_logits_of_their_own(channels, num_frames, height, width):
    torch.manual_seed(0)
    network = Discriminator(channels)
    frames = torch.randn(3, channels, num_frames, height, width)
    logits = network(frames)
    assert logits.shape[0] == 3 and logits.shape[1] >= 1
    torch.testing.assert_close(network(frames[1:2]), logits[1:2], rtol=0, atol=1e-5)


@torch.no_grad()
def test_logits_notice_the_order_of_frames():
    torch.manual_seed(0)
    network, frames = Discriminator(3), torch.randn(1, 3, 9, 16, 16)
    assert not torch.allclose(network(frames.flip(2)).sort().values, network(frames).sort().values, atol=1e-4)


def test_balanced_losses_pull_equally_hard():
    layer = nn.Parameter(torch.tensor([1.0, 2.0]))
    first, second = (3 * layer).sum(), layer.square().sum()
    factor = balance(first, second, layer)
    pulls = [torch.autograd.grad(loss, layer, retain_graph=True)[0].norm() for loss in (first, factor * second)]
    assert pulls[0].item() == pytest.approx(pulls[1].item(), rel=1e-3) and not factor.requires_grad
    assert balance(first, 0 * second, layer) == 1e4
