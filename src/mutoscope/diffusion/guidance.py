"""Guidance is a function from denoisers to denoisers; samplers never know about it.

All clips of a call share their time, as in every sampler. `negative` is what to move away from: the same network with
the empty caption (classifier-free guidance), or a weaker model with the same caption, trained for less long or smaller
(Karras et al. 2024, arXiv:2406.02507).
"""

from jaxtyping import Float
from torch import Tensor

from ..types import Denoiser
from .paths import Path, expand
from .predictions import to_x0, velocity_of


def classifier_free_guidance(
    cond: Denoiser, negative: Denoiser, guidance_scale: float, interval: tuple[float, float] = (0.0, 1.0)
) -> Denoiser:
    """Push the estimate away from the negative one (Ho & Salimans 2022, arXiv:2207.12598, eq. 6).

    guidance_scale: 1 is plain conditional sampling and costs no second call; 2-5 is usual here.
    interval: diffusion times in which guidance acts (Kynkäänniemi et al. 2024, arXiv:2404.07724); outside it the
        second call is saved.
    """
    _check_scale(guidance_scale)
    if guidance_scale == 1:
        return cond

    def guided(xt: Float[Tensor, "b *s"], t: Float[Tensor, "..."]) -> Float[Tensor, "b *s"]:
        if not _inside(t, interval):
            return cond(xt, t)
        x0_negative = negative(xt, t)
        return x0_negative + guidance_scale * (cond(xt, t) - x0_negative)

    return guided


def cfg_zero_star(
    cond: Denoiser, negative: Denoiser, guidance_scale: float, path: Path, interval: tuple[float, float] = (0.0, 1.0)
) -> Denoiser:
    """Classifier-free guidance on velocities, the negative one first scaled to fit the conditional one best (CFG-Zero*,
    Fan et al. 2025, arXiv:2503.18886): s v_n + scale (v_c - s v_n) with s = <v_c, v_n> / |v_n|^2 per clip.

    Its other half is `zero_velocity_at_noise`. guidance_scale and interval: as above.
    """
    _check_scale(guidance_scale)
    if guidance_scale == 1:
        return cond

    def guided(xt: Float[Tensor, "b *s"], t: Float[Tensor, "..."]) -> Float[Tensor, "b *s"]:
        if not _inside(t, interval):
            return cond(xt, t)
        v_cond, v_negative = velocity_of(xt, cond(xt, t), t, path), velocity_of(xt, negative(xt, t), t, path)
        axes = tuple(range(1, xt.ndim))
        length = v_negative.square().sum(axes, keepdim=True)
        v_negative = v_negative * ((v_cond * v_negative).sum(axes, keepdim=True) / length.clamp(min=1e-12))
        return to_x0(v_negative + guidance_scale * (v_cond - v_negative), xt, t, path, "velocity")

    return guided


def history_guidance(
    guided: Denoiser,
    cond: Denoiser,
    without: Denoiser,
    guidance_scale: float,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Denoiser:
    """Push the estimate towards what only the given frames tell: guided + (scale - 1) (cond - without), the history
    guidance of DFoT (Song et al. 2025, arXiv:2502.06764, sec. 4), on top of any other guidance.

    cond sees the given frames, `without` sees them as noisy as the others. guidance_scale: 1 is off and costs no call;
    1.5-2 in the paper. interval: diffusion times in which it acts. cond is called beside guided: see `remembered`.
    """
    _check_scale(guidance_scale)
    if guidance_scale == 1:
        return guided

    def pushed(xt: Float[Tensor, "b *s"], t: Float[Tensor, "..."]) -> Float[Tensor, "b *s"]:
        if not _inside(t, interval):
            return guided(xt, t)
        return guided(xt, t) + (guidance_scale - 1) * (cond(xt, t) - without(xt, t))

    return pushed


def zero_velocity_at_noise(denoise: Denoiser, path: Path) -> Denoiser:
    """At t = 1, the first time of every sampler, the estimate whose velocity is zero, without asking the network, whose
    guess there is worse than none (CFG-Zero*, Fan et al. 2025, arXiv:2503.18886).
    """

    def resting(xt: Float[Tensor, "b *s"], t: Float[Tensor, "..."]) -> Float[Tensor, "b *s"]:
        return path.sigma_rate(expand(t, xt)) * xt if float(t.max()) == 1 else denoise(xt, t)

    return resting


def rescaled(guided: Denoiser, cond: Denoiser, amount: float) -> Denoiser:
    """Bring the standard deviation of a guided estimate back to that of the conditional one, per clip (Lin et al. 2023,
    arXiv:2305.08891, sec. 3.4), against the glare of strong guidance.

    amount: in [0, 1]; 0 = off, 1 = all the way, 0.7 in the paper. Both denoisers are called: see `remembered`.
    """
    if not 0 <= amount <= 1:
        raise ValueError(f"guidance_rescale must be between 0 and 1, got {amount}. 0 = off; try 0.7.")
    if amount == 0:
        return guided

    def rescaling(xt: Float[Tensor, "b *s"], t: Float[Tensor, "..."]) -> Float[Tensor, "b *s"]:
        x0, x0_cond = guided(xt, t), cond(xt, t)
        axes = tuple(range(1, xt.ndim))
        factor = x0_cond.std(axes, keepdim=True) / x0.std(axes, keepdim=True).clamp(min=1e-12)
        return x0 * (1 + amount * (factor - 1))

    return rescaling


def remembered(denoise: Denoiser) -> Denoiser:
    """The same denoiser, which repeats its last answer when asked about the very same tensors again, at no cost."""
    last: tuple[Tensor, Tensor, Tensor] | None = None

    def remembering(xt: Float[Tensor, "b *s"], t: Float[Tensor, "..."]) -> Float[Tensor, "b *s"]:
        nonlocal last
        if last is None or last[0] is not xt or last[1] is not t:
            last = xt, t, denoise(xt, t)
        return last[2]

    return remembering


def _check_scale(guidance_scale: float) -> None:
    if guidance_scale < 0:
        raise ValueError(f"guidance_scale must be >= 0, got {guidance_scale}. 1 = off; try --guidance 3.")


def _inside(t: Tensor, interval: tuple[float, float]) -> bool:
    low, high = interval
    return low <= float(t.max()) <= high
