"""Timesteps per latent frame: which examples get which, in which shares."""

import pytest
import torch

from mutoscope.diffusion.config import DiffusionConfig
from mutoscope.diffusion.frame_times import NUM_CHOICES, check_frame_times, mixed_times
from mutoscope.diffusion.timesteps import training_times

MIXED = {"sorted_share": 0.3, "prefix_share": 0.2, "between_share": 0.1, "given_noise": 0.05}


def drawn(config, n=4000, f=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    shared = 0.3 + 0.6 * torch.rand(n, generator=g)
    return shared, mixed_times(shared, torch.rand(n, NUM_CHOICES + f, generator=g), config)


def test_without_shares_every_frame_has_the_clips_time():
    shared, found = drawn(DiffusionConfig())
    assert torch.equal(found.t, shared[:, None].expand(-1, 5)) and not found.given.any()


def test_a_prefix_is_given_and_the_rest_shares_its_time():
    shared, found = drawn(DiffusionConfig(prefix_share=1.0, given_noise=0.05))
    length = found.given.sum(1)
    assert torch.equal(found.given, torch.arange(5) < length[:, None])  # the first ones, without a hole
    counts = length.bincount(minlength=6)
    assert counts[0] == counts[5] == 0  # never none, never all
    assert ((counts[1:5] / 4000 - 0.25).abs() < 0.03).all()
    assert (found.t[found.given] == 0.05).all()
    assert torch.equal(found.t[~found.given], shared[:, None].expand(-1, 5)[~found.given])


def test_between_gives_the_first_and_the_last_frame():
    shared, found = drawn(DiffusionConfig(between_share=1.0, given_noise=0.0))
    assert torch.equal(found.given, torch.tensor([True, False, False, False, True]).expand(4000, -1))
    assert (found.t[:, [0, 4]] == 0).all() and torch.equal(found.t[:, 2], shared)


@pytest.mark.parametrize("timesteps", ["logit_normal", "uniform"])
def test_sorted_times_rise_and_keep_their_density(timesteps):
    config = DiffusionConfig(sorted_share=1.0, timesteps=timesteps)
    _, found = drawn(config)
    assert (found.t.diff(dim=1) >= 0).all() and not found.given.any()
    expected = training_times(torch.tensor([0.1, 0.5, 0.9]), config)
    assert (found.t.quantile(torch.tensor([0.1, 0.5, 0.9])) - expected).abs().max() < 0.01
    # The first of five sorted uniforms has the mean 1 / 6, the last 5 / 6.
    if timesteps == "uniform":
        assert (found.t.mean(0) - torch.arange(1, 6) / 6).abs().max() < 0.01


def test_shares_are_shares_of_the_examples():
    shared, found = drawn(DiffusionConfig(**MIXED))
    between = found.given[:, -1]
    prefix = found.given[:, 0] & ~between
    same = (found.t == shared[:, None]).all(1)
    for kind, share in ((prefix, 0.2), (between, 0.1), (same, 0.4), (~(prefix | between | same), 0.3)):
        assert abs(kind.float().mean().item() - share) < 0.025


def test_an_example_depends_on_its_own_numbers_only():
    config, g = DiffusionConfig(**MIXED), torch.Generator().manual_seed(0)
    shared, uniforms = torch.rand(50, generator=g), torch.rand(50, NUM_CHOICES + 4, generator=g)
    whole, part = mixed_times(shared, uniforms, config), mixed_times(shared[9:20], uniforms[9:20], config)
    assert torch.equal(whole.t[9:20], part.t) and torch.equal(whole.given[9:20], part.given)


def test_clips_that_are_too_short_share_their_time():
    for f, shares in ((1, {"prefix_share": 1.0}), (2, {"between_share": 1.0}), (1, {"between_share": 1.0})):
        shared, found = drawn(DiffusionConfig(**shares), f=f)
        assert not found.given.any() and torch.equal(found.t, shared[:, None].expand(-1, f))


def test_tokens_of_several_frames_are_refused():
    check_frame_times(DiffusionConfig(), 2)
    check_frame_times(DiffusionConfig(prefix_share=0.2), 1)
    with pytest.raises(ValueError, match="need tokens of one latent frame, got 2. Use a --denoiser.patch that begins"):
        check_frame_times(DiffusionConfig(prefix_share=0.2), 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sorted_share": 0.5, "prefix_share": 0.4, "between_share": 0.2}, "add up to 1.1, more than all examples"),
        ({"prefix_share": 1.2}, "less than or equal to 1"),
        ({"given_noise": 0.1}, "given_noise=0.1 needs prefix_share=0.2, got prefix_share=0.0. Leave it at 0.03"),
    ],
)
def test_shares_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        DiffusionConfig(**fields)
