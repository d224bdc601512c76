"""Forward noising.

A point of DDPM's path is a mix of data and noise, by scales whose squares add up to one (Ho et al. 2020,
arXiv:2006.11239, eq. 4):

    x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) noise

x0 and noise are clips (b, c, F, H, W); alpha_bar (b,) is one number per clip. With alpha_bar = 0.36, x0 = 1 and
noise = -0.5: x_t = 0.6 * 1 + 0.8 * (-0.5) = 0.2.
"""

from collections.abc import Iterator

from torch import Tensor

from ...diffusion.paths import CosinePath, add_noise
from ..exercise import Case, Suspect, cosine_time, draws

CHAPTER = 1
STARTER = '''
import torch


def forward_noising(x0, noise, alpha_bar):
    """x0, noise: (b, c, F, H, W); alpha_bar: (b,). Returns x_t (b, c, F, H, W)."""
    ...
'''
OUTPUTS = ("b c F H W",)


def answer(x0: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
    """By the package's path."""
    return add_noise(x0, noise, cosine_time(alpha_bar.sqrt()).float(), CosinePath())


def cases() -> Iterator[Case]:
    """As many columns as clips first: there a forgotten axis goes unnoticed."""
    for seed, shape in enumerate([(3, 1, 2, 4, 3), (2, 3, 4, 5, 6), (1, 1, 1, 1, 1)]):
        draw = draws(seed)
        yield Case(f"clips of {shape}", (draw(*shape), draw(*shape), draw(shape[0]).sigmoid()))


def _over(alpha_bar: Tensor) -> Tensor:
    return alpha_bar[:, None, None, None, None]


def terms(x0: Tensor, noise: Tensor, alpha_bar: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What x_t mixes."""
    return {"x0": x0, "noise": noise}, {"alpha_bar": alpha_bar}


SUSPECTS = (
    Suspect(
        lambda x0, noise, a: answer(x0, noise, a.cumprod(0)),
        "alpha_bar is the product already: cumprod multiplies the clips of a batch with each other.",
    ),
    Suspect(
        lambda x0, noise, a: a.view(-1, 1, 1, 1).sqrt() * x0 + (1 - a.view(-1, 1, 1, 1)).sqrt() * noise,
        "alpha_bar has three more axes, so its numbers meet the channels: four are needed, (b, 1, 1, 1, 1).",
    ),
    Suspect(
        lambda x0, noise, a: a[0].sqrt() * x0 + (1 - a[0]).sqrt() * noise,
        "Every clip is noised as far as the first: alpha_bar holds one number per clip.",
    ),
    Suspect(
        lambda x0, noise, a: a.mean().sqrt() * x0 + (1 - a.mean()).sqrt() * noise,
        "alpha_bar is averaged over the clips: each has its own.",
    ),
    Suspect(
        lambda x0, noise, a: _over(a) * x0 + (1 - _over(a) ** 2).sqrt() * noise,
        "You took alpha_bar for the scale of the data: it is the square of that scale, so both are square roots.",
    ),
    Suspect(
        lambda x0, noise, a: _over(a) * x0 + _over(1 - a) * noise,
        "You mixed with alpha_bar and 1 - alpha_bar themselves: both square roots are missing. Variances add, so the "
        "scales are their square roots.",
    ),
    Suspect(
        lambda x0, noise, a: _over(a).sqrt() * x0 + _over(1 - a) * noise,
        "The noise is scaled by 1 - alpha_bar: its square root is missing. 1 - alpha_bar is the variance of the noise.",
    ),
    Suspect(
        lambda x0, noise, a: _over(a) * x0 + _over(1 - a).sqrt() * noise,
        "The data is scaled by alpha_bar: its square root is missing.",
    ),
    Suspect(
        lambda x0, noise, a: _over(a).sqrt() * x0 + (1 - _over(a).sqrt()) * noise,
        "The noise is scaled by 1 - sqrt(alpha_bar). The squares of the two scales have to add up to one, not "
        "the scales.",
    ),
    Suspect(
        lambda x0, noise, a: _over(a).sqrt() * noise + _over(1 - a).sqrt() * x0,
        "Data and noise are swapped: alpha_bar = 1 has to give x0, alpha_bar = 0 the noise.",
    ),
    Suspect(
        lambda x0, noise, a: _over(a).sqrt() * x0 - _over(1 - a).sqrt() * noise,
        "The noise is subtracted: it is added.",
    ),
    Suspect(
        lambda x0, noise, a: a.sqrt() * x0 + (1 - a).sqrt() * noise,
        "alpha_bar (b,) met the last axis, W: each column got its own amount of noise instead of each clip. Give it "
        "four more axes: alpha_bar[:, None, None, None, None].",
    ),
)  # fmt: skip
