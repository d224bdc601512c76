"""Reparameterisation and KL.

The encoder gives a mean and a log-variance for every latent number. A draw that gradients pass through, and the price
of it (Kingma & Welling 2013, arXiv:1312.6114, sec. 2.4 and app. B):

    z  = mean + exp(log_variance / 2) noise
    KL = 0.5 (mean^2 + exp(log_variance) - 1 - log_variance), averaged over everything but the clips

mean, log_variance and noise are (b, c, f, h, w); KL is (b,). With mean = 1, log_variance = 0 and noise = 0.5:
z = 1.5 and KL = 0.5 (1 + 1 - 1 - 0) = 0.5.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ...vae.posterior import Posterior
from ..exercise import Case, Suspect, draws

CHAPTER = 3
STARTER = '''
import torch


def reparameterise(mean, log_variance, noise):
    """All (b, c, f, h, w). Returns z (b, c, f, h, w) and the KL of each clip (b,)."""
    ...
'''
OUTPUTS = ("b c f h w", "b")


def answer(mean: Tensor, log_variance: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """By the package's posterior."""
    posterior = Posterior(mean, log_variance)
    return posterior.sample(noise), posterior.kl()


def cases() -> Iterator[Case]:
    """Ordinary ones, and variances far from one."""
    for seed, spread in enumerate([1.0, 0.3, 3.0]):
        draw, shape = draws(seed), (3, 3, 2, 3, 4)
        yield Case(f"log-variances of about {spread}", (draw(*shape), spread * draw(*shape), draw(*shape)))


def also(solution: Callable[..., tuple[Tensor, Tensor]]) -> str | None:
    """Gradients have to reach the encoder."""
    mean, log_variance = (draws(seed)(1, 1, 1, 2, 2).requires_grad_() for seed in (1, 2))
    z, kl = solution(mean, log_variance, torch.ones(1, 1, 1, 2, 2))
    for name, out in (("z", z), ("the KL", kl)):
        if not out.requires_grad:
            return f"No gradient comes back through {name}: something cuts the graph (no_grad, detach, .item(), .data)."
        for of, arg in (("mean", mean), ("log_variance", log_variance)):
            if torch.autograd.grad(out.sum(), arg, retain_graph=True, allow_unused=True)[0] is None:
                return f"No gradient comes back through {name} to {of}: it is detached on the way."
    return None


def _kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)


def _z(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    return mean + (log_variance / 2).exp() * noise


def _each(x: Tensor) -> Tensor:
    return x.flatten(1).mean(1)


def terms(mean: Tensor, log_variance: Tensor, noise: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What z mixes, and what it should not."""
    std = (log_variance / 2).exp()
    return {"mean": mean, "exp(log_variance / 2) noise": std * noise, "noise": noise, "log_variance": log_variance}, {}


SUSPECTS = (
    Suspect(
        lambda m, v, n: (m + v.exp() / 2 * n, _each(_kl(m, v))),
        "exp(log_variance) / 2 halves the variance: halve the logarithm, exp(log_variance / 2).",
    ),
    Suspect(
        lambda m, v, n: (m + v.sqrt() * n, _each(_kl(m, v))),
        "You took the square root of the log-variance: it is negative wherever the variance is below one. The standard "
        "deviation is exp(log_variance / 2).",
    ),
    Suspect(
        lambda m, v, n: (m + (-v / 2).exp() * n, _each(_kl(m, v))),
        "z divides by the standard deviation: it is exp(log_variance / 2), without a minus.",
    ),
    Suspect(
        lambda m, v, n: (_each(_kl(m, v)), _z(m, v, n)),
        "The results are swapped: z comes first, then the KL.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _kl(m, v)),
        "The KL is not averaged: one number per clip is asked for, (b,).",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _kl(m, v).sum(1).flatten(1).mean(1)),
        "The KL is summed over the channels: average it over them, too.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _each(0.5 * (m**2 + v.exp() - 1 + v))),
        "The KL adds the log-variance: it is subtracted.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _each(0.5 * (m**2 + (v / 2).exp() - 1 - v))),
        "The KL has the standard deviation where the variance exp(log_variance) belongs.",
    ),
    Suspect(
        lambda m, v, n: (m + v.exp() * n, _each(_kl(m, v))),
        "z uses exp(log_variance), the variance, as the standard deviation: halve the logarithm first.",
    ),
    Suspect(
        lambda m, v, n: (m + v * n, _each(_kl(m, v))),
        "z uses the log-variance itself as the standard deviation: it has to be exp(log_variance / 2).",
    ),
    Suspect(lambda m, v, n: (m, _each(_kl(m, v))), "z is the mean: the noise is missing."),
    Suspect(
        lambda m, v, n: (_z(m, v, n), -_each(_kl(m, v))),
        "The KL has the wrong sign: it is never negative, and 0 only for mean 0 and variance 1.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), 2 * _each(_kl(m, v))),
        "The KL is twice what it should be: the 0.5 is missing.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _kl(m, v).flatten(1).sum(1)),
        "The KL is summed, not averaged, over the numbers of a clip: its weight would depend on the size of the clip.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _kl(m, v).mean()),
        "The KL is averaged over the clips, too: one number per clip is asked for, (b,).",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _each(0.5 * (v.exp() - 1 - v))),
        "The KL does not see the mean: mean^2 is missing.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _each(0.5 * (m + v.exp() - 1 - v))),
        "The KL has the mean where its square belongs.",
    ),
    Suspect(
        lambda m, v, n: (_z(m, v, n), _each(0.5 * (m**2 + v.exp() - v))),
        "The KL lacks the -1: at mean 0 and variance 1 it has to be 0.",
    ),
)  # fmt: skip
