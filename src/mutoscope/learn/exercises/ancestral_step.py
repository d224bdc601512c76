"""An ancestral step of DDPM.

From x_t and an estimate of x0 to x_s, nearer to the data (Ho et al. 2020, arXiv:2006.11239, eq. 7 and alg. 2). With
alpha_bar at t and alpha_bar_next at s, and beta = 1 - alpha_bar / alpha_bar_next:

    mean = sqrt(alpha_bar_next) beta / (1 - alpha_bar) x0
           + sqrt(alpha_bar / alpha_bar_next) (1 - alpha_bar_next) / (1 - alpha_bar) x_t
    x_s  = mean + sqrt(beta) noise

The last step, to alpha_bar_next = 1, adds no noise. xt, x0 and noise are (b, c, F, H, W); the alpha_bars are tensors
without axes. With alpha_bar = 0.4, alpha_bar_next = 0.8, x0 = 1, x_t = 1 and noise = 0: beta = 0.5 and
x_s = 0.8944 * 0.5 / 0.6 + 0.7071 * 0.2 / 0.6 = 0.9811; with noise = 1 it is 0.9811 + 0.7071 = 1.6882.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from ...diffusion.paths import CosinePath
from ...samplers.ddpm import ddpm
from ..exercise import Case, Suspect, cosine_time, draws

CHAPTER = 1
STARTER = '''
import torch


def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    """xt, x0, noise: (b, c, F, H, W); alpha_bar, alpha_bar_next: (). Returns x_s (b, c, F, H, W)."""
    ...
'''
OUTPUTS = ("b c F H W",)


def answer(xt: Tensor, x0: Tensor, noise: Tensor, alpha_bar: Tensor, alpha_bar_next: Tensor) -> Tensor:
    """One step of the package's sampler."""
    times, path = cosine_time(torch.stack([alpha_bar, alpha_bar_next]).sqrt()), CosinePath()
    start = xt / path.sigma(times[0])  # the sampler begins with pure noise, which it scales
    return ddpm(lambda x, t: x0, start, times, path, lambda: noise).to(xt.dtype)


def cases() -> Iterator[Case]:
    """Two in the middle, one at the end."""
    for seed, (at, to) in enumerate([(0.3, 0.8), (0.05, 0.3), (0.9, 1.0)]):
        draw = draws(seed)
        clips = tuple(draw(2, 1, 3, 4, 4) for _ in range(3))
        yield Case(f"alpha_bar {at} to {to}", (*clips, torch.tensor(at), torch.tensor(to)))


def _mean(xt: Tensor, x0: Tensor, at: Tensor, to: Tensor) -> Tensor:
    beta = 1 - at / to
    return to.sqrt() * beta / (1 - at) * x0 + (at / to).sqrt() * (1 - to) / (1 - at) * xt


def _spread(at: Tensor, to: Tensor) -> Tensor:
    return (1 - at / to) * (to < 1)


def _swapped(xt: Tensor, x0: Tensor, noise: Tensor, at: Tensor, to: Tensor) -> Tensor:
    return _mean(x0, xt, at, to) + _spread(at, to).sqrt() * noise


def _old_scale(xt: Tensor, x0: Tensor, noise: Tensor, at: Tensor, to: Tensor) -> Tensor:
    beta = 1 - at / to
    mean = at.sqrt() * beta / (1 - at) * x0 + (at / to).sqrt() * (1 - to) / (1 - at) * xt
    return mean + _spread(at, to).sqrt() * noise


def terms(
    xt: Tensor, x0: Tensor, noise: Tensor, alpha_bar: Tensor, alpha_bar_next: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What x_s mixes."""
    beta = 1 - alpha_bar / alpha_bar_next
    return {"x0": x0, "x_t": xt, "noise": noise}, {
        "beta": beta, "alpha_bar": alpha_bar, "alpha_bar_next": alpha_bar_next,
        "(alpha_bar / alpha_bar_next)": 1 - beta,
    }  # fmt: skip


SUSPECTS = (
    Suspect(
        lambda xt, x0, noise, at, to: _mean(xt, x0, at, to) + (1 - at / to).sqrt() * noise * (to == 1),
        "Noise is added in the last step only: it is the other way round, every step but the last adds noise.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: (
            to.sqrt() * (1 - at / to) / (1 - to) * x0
            + (at / to).sqrt() * (1 - to) / (1 - to) * xt
            + (_spread(at, to).sqrt() * noise if to < 1 else 0)
        ),
        "The mean is divided by 1 - alpha_bar_next, which is 0 in the last step: 1 - alpha_bar belongs there.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: (
            to.sqrt() * x0 + (at / to).sqrt() * (1 - to) / (1 - at) * xt + (1 - at).sqrt() * noise * (to < 1)
        ),
        "beta is 1 - alpha_bar: it is 1 - alpha_bar / alpha_bar_next, of this step alone.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: (
            to.sqrt() * (1 - to / at) / (1 - at) * x0
            + (at / to).sqrt() * (1 - to) / (1 - at) * xt
            + ((1 - to / at).sqrt() * noise if to < 1 else 0)
        ),
        "beta is upside down, hence negative: it is 1 - alpha_bar / alpha_bar_next.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: xt if to == 1 else _mean(xt, x0, at, to) + _spread(at, to).sqrt() * noise,
        "The last step gives x_t back: it has to give the mean, which is x0 there.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: (
            to.sqrt() * (1 - at / to) / (1 - at) * x0
            + at / to * (1 - to) / (1 - at) * xt
            + _spread(at, to).sqrt() * noise
        ),
        "The coefficient of x_t lacks a square root: sqrt(alpha_bar / alpha_bar_next).",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: to.sqrt() * x0 + (1 - to).sqrt() * noise,
        "You noised x0 afresh: x_t is not used, so nothing of the way so far is kept.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: to.sqrt() * x0 + ((1 - to) / (1 - at)).sqrt() * (xt - at.sqrt() * x0),
        "That is a DDIM step, which adds no fresh noise: the ancestral step draws from the posterior of x_s.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: (at / to).sqrt() * _mean(xt, x0, at, to) + _spread(at, to).sqrt() * noise,
        "The mean lacks the factor 1 / sqrt(1 - beta): a step back also undoes the shrinking of the data.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: (1 - at) * _mean(xt, x0, at, to) + _spread(at, to).sqrt() * noise,
        "The mean is not divided by 1 - alpha_bar.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: _mean(xt, x0, to, at) + (1 - to / at).sqrt() * noise * (at < 1),
        "alpha_bar and alpha_bar_next are exchanged: alpha_bar_next is the larger one, nearer to the data.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: _mean(xt, x0, at, to) + _spread(at, to) * noise,
        "The noise is multiplied by beta, its variance: the standard deviation sqrt(beta) is missing its square root.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: _mean(xt, x0, at, to) + (1 - at / to).sqrt() * noise,
        "Noise is added in the last step, too: at alpha_bar_next = 1 the result is the data, and stays without noise.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: _mean(xt, x0, at, to),
        "Only the mean: the fresh noise is missing, without which samples come out too smooth.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: _mean(xt, x0, at, to) + ((1 - to) / (1 - at) * (1 - at / to)).sqrt() * noise,
        "That is the paper's other variance, (1 - alpha_bar_next) / (1 - alpha_bar) beta. It is no mistake, but the "
        "statement asks for beta itself.",
    ),
    Suspect(_swapped, "The coefficients of x0 and x_t are swapped: near the data nearly all of x_s is x0's."),
    Suspect(
        _old_scale,
        "The coefficient of x0 has sqrt(alpha_bar) where sqrt(alpha_bar_next) belongs: the mean has to arrive at the "
        "scale of the next step.",
    ),
    Suspect(
        lambda xt, x0, noise, at, to: _mean(xt, x0, at, to) - _spread(at, to).sqrt() * noise,
        "The noise is subtracted: it is added.",
    ),
)
