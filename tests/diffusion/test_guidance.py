"""Classifier-free guidance: linear in its scale, and no call too many."""

import pytest
import torch

from mutoscope.diffusion.guidance import classifier_free_guidance


class Recorder:
    """A denoiser of a known answer that notes the times it was called with."""

    def __init__(self, factor: float):
        self.factor, self.times = factor, []

    def __call__(self, xt, t):
        self.times.append(t.max().item())
        return self.factor * xt


X = torch.linspace(-1, 1, 12).reshape(2, 6)


def test_guidance_is_linear_in_the_scale():
    for scale in (0.0, 0.5, 1.0, 2.0, 7.5):
        guided = classifier_free_guidance(Recorder(0.8), Recorder(0.3), scale)
        torch.testing.assert_close(guided(X, torch.full((2,), 0.5)), (0.3 + scale * 0.5) * X)


def test_scale_one_is_the_conditional_denoiser_itself():
    cond, uncond = Recorder(0.8), Recorder(0.3)
    assert classifier_free_guidance(cond, uncond, 1.0) is cond


def test_outside_the_interval_the_second_call_is_saved():
    cond, uncond = Recorder(0.8), Recorder(0.3)
    guided = classifier_free_guidance(cond, uncond, 3.0, (0.25, 0.75))
    times = [1.0, 0.75, 0.5, 0.25, 0.125]
    outputs = [guided(X, torch.full((2,), t)) for t in times]
    assert cond.times == times
    assert uncond.times == [0.75, 0.5, 0.25]
    for t, output in zip(times, outputs, strict=True):
        factor = 0.3 + 3 * 0.5 if 0.25 <= t <= 0.75 else 0.8
        torch.testing.assert_close(output, factor * X)


def test_guidance_takes_times_per_frame():
    guided = classifier_free_guidance(Recorder(0.8), Recorder(0.3), 2.0)
    torch.testing.assert_close(guided(X, torch.full((2, 3), 0.5)), 1.3 * X)


def test_negative_scale_is_refused():
    with pytest.raises(ValueError, match="guidance_scale must be >= 0, got -1.0. 1 = off; try --guidance 3."):
        classifier_free_guidance(Recorder(1.0), Recorder(1.0), -1.0)
