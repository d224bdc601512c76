"""All samplers by name. A new one: its file, a line here, its name in `SamplerName`, a row in the order test."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser
from .config import SamplerName, SamplingConfig
from .ddim import ddim
from .ddpm import ddpm
from .dpm_solver import dpmpp_2m, dpmpp_2m_sde
from .euler import euler
from .fresh_noise import Draw
from .heun import heun
from .unipc import unipc

Sampler = Callable[[Denoiser, Tensor, Tensor, Path], Tensor]
"""(denoise, noise (b, *s), times (m,), path) -> x0 (b, *s)."""


def sampler_of(config: SamplingConfig, draw: Draw) -> Sampler:
    """The sampler of a configuration; those that add fresh noise take it from `draw`."""
    samplers: dict[SamplerName, Sampler] = {
        "euler": euler,
        "ddim": partial(ddim, draw=draw, eta=config.eta),
        "ddpm": partial(ddpm, draw=draw),
        "heun": heun,
        "dpmpp_2m": dpmpp_2m,
        "dpmpp_2m_sde": partial(dpmpp_2m_sde, draw=draw),
        "unipc": unipc,
    }
    return samplers[config.sampler]
