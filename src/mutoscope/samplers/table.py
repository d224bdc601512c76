"""All samplers by name. A new one: its file, a line here, its name in `SamplerName`, a row in the order test."""

from collections.abc import Callable

from torch import Tensor

from ..diffusion.paths import Path
from ..types import Denoiser
from .config import SamplerName
from .ddim import ddim
from .dpm_solver import dpmpp_2m
from .euler import euler
from .heun import heun

Sampler = Callable[[Denoiser, Tensor, Tensor, Path], Tensor]

SAMPLERS: dict[SamplerName, Sampler] = {"euler": euler, "ddim": ddim, "heun": heun, "dpmpp_2m": dpmpp_2m}
