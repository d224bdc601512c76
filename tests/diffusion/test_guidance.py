"""Guidance against its formulas written out, and no call of the network too many."""

import pytest
import torch

from mutoscope.diffusion.guidance import (
    cfg_zero_star,
    classifier_free_guidance,
    history_guidance,
    remembered,
    rescaled,
    zero_velocity_at_noise,
)
from mutoscope.diffusion.paths import CosinePath, DiscretePath, LinearPath, expand
from mutoscope.samplers.ddim import ddim
from mutoscope.samplers.dpm_solver import dpmpp_2m
from mutoscope.samplers.euler import euler


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


@pytest.mark.parametrize("guidance", [classifier_free_guidance, lambda c, n, w: cfg_zero_star(c, n, w, LinearPath())])
def test_negative_scale_is_refused(guidance):
    with pytest.raises(ValueError, match="guidance_scale must be >= 0, got -1.0. 1 = off; try --guidance 3."):
        guidance(Recorder(1.0), Recorder(1.0), -1.0)


# ------------------------------------------------------------------------------------------------ CFG-Zero*

every_path = pytest.mark.parametrize("path", [LinearPath(), CosinePath(), DiscretePath()])
XT, COND, NEGATIVE = torch.randn(3, 2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
T = torch.tensor([0.6, 0.6], dtype=torch.float64)


def velocity_towards(x0, path):
    """Written out anew: alpha' x0 + sigma' epsilon."""
    a, s = path.alpha(expand(T, XT)), path.sigma(expand(T, XT))
    epsilon = (XT - a * x0) / s
    return epsilon - x0 if path == LinearPath() else a * epsilon - s * x0


@every_path
@pytest.mark.parametrize("scale", [0.0, 2.5])
def test_cfg_zero_star_is_guidance_of_velocities_with_the_best_scaled_negative(path, scale):
    guided = cfg_zero_star(lambda x, t: COND, lambda x, t: NEGATIVE, scale, path)(XT, T)
    v_cond, v_negative = velocity_towards(COND, path), velocity_towards(NEGATIVE, path)
    for k in range(2):  # the scale is each clip's own: the one for which scaled v_n lies nearest to v_c
        columns = v_negative[k].flatten()[:, None]
        best = torch.linalg.lstsq(columns, v_cond[k].flatten()[:, None]).solution.item()
        expected = best * v_negative[k] + scale * (v_cond[k] - best * v_negative[k])
        torch.testing.assert_close(velocity_towards(guided, path)[k], expected)


@every_path
def test_cfg_zero_star_is_plain_guidance_where_the_scale_is_one(path):
    """v_c - v_n at right angles to v_n."""
    v_negative = velocity_towards(NEGATIVE, path)
    aside = torch.roll(v_negative, 1, dims=-1)
    axes = (1, 2, 3, 4)
    shadow = (aside * v_negative).sum(axes, keepdim=True) / v_negative.square().sum(axes, keepdim=True)
    v_cond = v_negative + aside - shadow * v_negative
    a, s = path.alpha(expand(T, XT)), path.sigma(expand(T, XT))
    cond = XT - s * v_cond if path == LinearPath() else a * XT - s * v_cond
    ours = cfg_zero_star(lambda x, t: cond, lambda x, t: NEGATIVE, 3.0, path)(XT, T)
    plain = classifier_free_guidance(lambda x, t: cond, lambda x, t: NEGATIVE, 3.0)(XT, T)
    torch.testing.assert_close(ours, plain)


def test_cfg_zero_star_saves_calls_and_survives_a_negative_at_rest():
    cond, negative = Recorder(0.8), Recorder(0.3)
    assert cfg_zero_star(cond, negative, 1.0, LinearPath()) is cond
    guided = cfg_zero_star(cond, negative, 3.0, LinearPath(), (0.25, 0.75))
    for t in (1.0, 0.5, 0.125):
        output = guided(X, torch.full((2,), t))
        if t != 0.5:
            torch.testing.assert_close(output, 0.8 * X)
    assert cond.times == [1.0, 0.5, 0.125] and negative.times == [0.5]
    resting = cfg_zero_star(Recorder(0.8), Recorder(1.0), 3.0, LinearPath())  # x0 = xt: velocity 0
    torch.testing.assert_close(resting(X, torch.full((2,), 0.5)), (1 - 0.5 * 3 * 0.4) * X)  # 3 times v_c = 0.4 xt


@every_path
@pytest.mark.parametrize("sampler", [euler, dpmpp_2m, lambda d, n, t, p: ddim(d, n, t, p, lambda: n, 0.0)])
def test_the_first_step_has_no_velocity_and_asks_nobody(path, sampler):
    """On the linear path, and in Euler's steps on any, the state does not move."""
    times, inner, seen = torch.tensor([1.0, 0.9, 0.0], dtype=torch.float64), Recorder(0.5), []

    def watching(x, t):
        seen.append(x)
        return zero_velocity_at_noise(inner, path)(x, t)

    sampler(watching, X.double(), times, path)
    assert inner.times == [0.9]
    start = path.sigma(times[0]) * X.double()
    if path == LinearPath() or sampler is euler:  # off the straight line only Euler takes the velocity as it is
        torch.testing.assert_close(seen[1], start)
    else:  # x0 = sigma' x and epsilon = -alpha' x: a turn around the circle, by cos(angle) of what was
        turn = (path.arc(times[0]) - path.arc(times[1])).cos()
        torch.testing.assert_close(seen[1], turn * start)


# ------------------------------------------------------------------------------------------------- rescaling


@pytest.mark.parametrize("amount", [0.3, 1.0])
def test_rescaling_brings_the_deviation_back_per_clip(amount):
    found = rescaled(lambda x, t: COND, lambda x, t: 3 * NEGATIVE, amount)(XT, T)
    for k in range(2):
        target = amount * 3 * NEGATIVE[k].std() + (1 - amount) * COND[k].std()
        torch.testing.assert_close(found[k].std(), target)
        torch.testing.assert_close(found[k] / COND[k], (target / COND[k].std()).expand(COND[k].shape))


def test_rescaling_by_nothing_is_the_guided_denoiser_itself():
    guided, cond = Recorder(1.0), Recorder(1.0)
    assert rescaled(guided, cond, 0.0) is guided
    with pytest.raises(ValueError, match="guidance_rescale must be between 0 and 1, got 1.5. 0 = off; try 0.7."):
        rescaled(guided, cond, 1.5)


def test_rescaling_an_unguided_estimate_changes_nothing():
    cond = Recorder(0.8)
    guided = classifier_free_guidance(cond, Recorder(0.3), 3.0, (0.25, 0.75))
    torch.testing.assert_close(rescaled(guided, cond, 0.7)(X, torch.ones(2)), 0.8 * X)


def test_what_is_remembered_is_asked_once():
    inner = Recorder(0.8)
    cond, t = remembered(inner), torch.full((2,), 0.5)
    both = rescaled(classifier_free_guidance(cond, Recorder(0.3), 3.0), cond, 0.7)
    both(X, t)
    assert len(inner.times) == 1
    both(X.clone(), t)
    assert len(inner.times) == 2  # other tensors are other questions, whatever they hold
    cond(X, torch.full((2,), 0.25))
    assert inner.times == [0.5, 0.5, 0.25]


# ------------------------------------------------------------------------------------------ history guidance


def test_history_guidance_adds_what_only_the_history_tells():
    times = torch.full((2,), 0.5)
    for scale in (0.0, 1.5, 3.0):
        pushed = history_guidance(Recorder(0.9), Recorder(0.8), Recorder(0.3), scale)
        torch.testing.assert_close(pushed(X, times), (0.9 + (scale - 1) * (0.8 - 0.3)) * X)


def test_history_guidance_costs_calls_only_where_it_acts():
    guided, cond, without = Recorder(0.9), Recorder(0.8), Recorder(0.3)
    assert history_guidance(guided, cond, without, 1.0) is guided
    pushed = history_guidance(guided, cond, without, 2.0, (0.25, 0.75))
    for t in (1.0, 0.75, 0.5, 0.125):
        pushed(X, torch.full((2,), t))
    assert guided.times == [1.0, 0.75, 0.5, 0.125] and cond.times == without.times == [0.75, 0.5]
    with pytest.raises(ValueError, match="guidance_scale must be >= 0"):
        history_guidance(guided, cond, without, -1.0)
