"""A DDIM step.

Without new noise: take x_t apart into data and noise, and put both together again at the scales of the next time (Song
et al. 2020, arXiv:2010.02502, eq. 12 with sigma = 0):

    epsilon = (x_t - alpha x0) / sigma
    x_next  = alpha_next x0 + sigma_next epsilon

xt and x0 are (b, c, f, h, w); alpha, sigma, alpha_next, sigma_next are the scales themselves (not alpha_bar), tensors
without axes. With alpha = 0.6, sigma = 0.8, alpha_next = 0.8, sigma_next = 0.6, x0 = 1 and x_t = 0.2:
epsilon = -0.5 and x_next = 0.8 - 0.3 = 0.5.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from ...diffusion.paths import CosinePath, LinearPath
from ...samplers.ddim import ddim
from ..exercise import Case, Suspect, cosine_time, draws

CHAPTER = 3
STARTER = '''
import torch


def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    """xt, x0: (b, c, f, h, w); the scales: (). Returns x_next (b, c, f, h, w)."""
    ...
'''
OUTPUTS = ("b c f h w",)


def answer(xt: Tensor, x0: Tensor, alpha: Tensor, sigma: Tensor, alpha_next: Tensor, sigma_next: Tensor) -> Tensor:
    """One step of the package's sampler, on the path that has these scales."""
    straight = torch.isclose(alpha + sigma, torch.ones(()), atol=1e-4)
    path = LinearPath() if straight else CosinePath()
    times = torch.stack([1 - one.double() if straight else cosine_time(one) for one in (alpha, alpha_next)])
    start = xt / path.sigma(times[0])  # the sampler begins with pure noise, which it scales
    return ddim(lambda x, t: x0, start, times, path, lambda: xt, 0.0).to(xt.dtype)


def cases() -> Iterator[Case]:
    """On the circle, on the straight line, and to the end."""
    for seed, scales in enumerate([(0.6, 0.8, 0.96, 0.28), (0.3, 0.7, 0.45, 0.55), (0.28, 0.96, 1.0, 0.0)]):
        draw = draws(seed)
        numbers = tuple(torch.tensor(number) for number in scales)
        yield Case(f"alpha, sigma {scales[:2]} to {scales[2:]}", (draw(2, 3, 2, 4, 4), draw(2, 3, 2, 4, 4), *numbers))


def terms(
    xt: Tensor, x0: Tensor, alpha: Tensor, sigma: Tensor, alpha_next: Tensor, sigma_next: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What x_next mixes."""
    scales = {"alpha_next": alpha_next, "sigma_next": sigma_next, "alpha": alpha, "sigma": sigma}
    return {"x0": x0, "epsilon": (xt - alpha * x0) / sigma}, scales


SUSPECTS = (
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn**2 * (xt - a * x0) / s**2,
        "The sigmas are squared: they are scales, not variances.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn * ((xt - a * x0) / sn),
        "epsilon is divided by sigma_next: what is in x_t is sigma epsilon.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + (xt - a * x0),
        "epsilon is divided and multiplied by the same sigma: it is divided by sigma, and multiplied by sigma_next.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * a * x0 + sn * (xt - a * x0) / s,
        "x0 was replaced by alpha x0 before it was used again: x_next takes x0 itself.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * xt + sn * (xt - a * x0) / s,
        "x_t stands where x0 belongs: the data of x_next is alpha_next x0.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn * (xt - a * x0 / s),
        "Only alpha x0 is divided by sigma: put brackets around x_t - alpha x0.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn * (xt - a * x0) * s,
        "epsilon is multiplied by sigma: it is divided by it.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0.clamp(-1, 1) + sn * (xt - a * x0.clamp(-1, 1)) / s,
        "x0 is clamped to -1 and 1: latents go beyond, and nothing is cut here.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn * xt,
        "x_t itself stands where the noise belongs: x_t still holds alpha x0. Take that out first: "
        "epsilon = (x_t - alpha x0) / sigma.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn * (xt - a * x0),
        "epsilon is not divided by sigma: x_t - alpha x0 is sigma times the noise.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn * (xt - x0) / s,
        "x0 is taken out of x_t without its scale: x_t = alpha x0 + sigma epsilon.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0 + sn * (xt - s * x0) / a,
        "alpha and sigma are swapped: alpha scales the data, sigma the noise.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: sn * x0 + an * (xt - a * x0) / s,
        "alpha_next and sigma_next are swapped: alpha_next scales the data.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an * x0,
        "The noise is dropped: only the last step, to sigma_next = 0, may do so.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: an.sqrt() * x0 + (1 - an).sqrt() * (xt - a.sqrt() * x0) / (1 - a).sqrt(),
        "You took square roots of alpha: it is the scale itself here, not alpha_bar.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: a * x0 + s * (xt - a * x0) / s,
        "You put x_t together again at the old scales: use alpha_next and sigma_next.",
    ),
    Suspect(
        lambda xt, x0, a, s, an, sn: xt + (sn - s) * (xt - a * x0) / s,
        "Only the noise moves to its next scale: the data has to move from alpha to alpha_next, too.",
    ),
)  # fmt: skip
