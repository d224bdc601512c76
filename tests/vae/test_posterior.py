"""The posterior against torch.distributions and its moments."""

import torch
from torch.distributions import Normal, kl_divergence

from mutoscope.vae.posterior import Posterior


def posterior(shape=(3, 2, 2, 4, 4)):
    g = torch.Generator().manual_seed(0)
    return Posterior(torch.randn(shape, generator=g), torch.randn(shape, generator=g))


def test_kl_is_the_closed_form():
    q = posterior()
    expected = kl_divergence(Normal(q.mean, (0.5 * q.log_variance).exp()), Normal(0.0, 1.0)).flatten(1).mean(1)
    torch.testing.assert_close(q.kl(), expected)


def test_kl_of_the_prior_is_zero():
    zeros = torch.zeros(2, 1, 1, 2, 2)
    assert torch.equal(Posterior(zeros, zeros).kl(), torch.zeros(2))


def test_samples_have_the_mean_and_the_variance():
    mean, log_variance = torch.full((1, 1, 1, 400, 400), 0.7), torch.full((1, 1, 1, 400, 400), -1.0)
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
    sample = Posterior(mean, log_variance).sample(noise)
    assert abs(sample.mean().item() - 0.7) < 0.01
    assert abs(sample.var().item() - torch.tensor(-1.0).exp().item()) < 0.01


def test_the_same_noise_gives_the_same_sample_and_none_gives_the_mean():
    q = posterior()
    noise = torch.randn(q.mean.shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(q.sample(noise), q.sample(noise))
    assert torch.equal(q.sample(torch.zeros_like(noise)), q.mean)


def test_extreme_log_variances_stay_finite():
    mean = torch.zeros(1, 1, 1, 1, 2)
    q = Posterior(mean, torch.tensor([[[[[-1e4, 1e4]]]]]))
    assert q.sample(torch.ones_like(mean)).isfinite().all() and q.kl().isfinite().all()


def test_gradients_flow_to_both_parameters():
    q = posterior()
    mean, log_variance = q.mean.clone().requires_grad_(), q.log_variance.clone().requires_grad_()
    Posterior(mean, log_variance).sample(torch.ones_like(mean)).sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones_like(mean))
    torch.testing.assert_close(log_variance.grad, 0.5 * (0.5 * q.log_variance).exp())
