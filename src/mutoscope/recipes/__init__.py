"""Full configurations as functions; each docstring says command, hardware, time and measured quality.

A new recipe is a function in a file of this folder and a line in `RECIPES`.
"""

from collections.abc import Callable

from ..training.config import RunConfig
from .clips import clips
from .demo import demo, demo_long, demo_minilm, demo_unet
from .disc import disc_attention, disc_conv3d, disc_dit, disc_unet
from .mnist64 import mnist64, mnist64_small
from .packaged import packaged
from .smoke import smoke

RECIPES: dict[str, Callable[[], RunConfig]] = {
    "smoke": smoke,
    "demo": demo,
    "demo_long": demo_long,
    "demo_minilm": demo_minilm,
    "demo_unet": demo_unet,
    "clips": clips,
    "packaged": packaged,
    "mnist64": mnist64,
    "mnist64_small": mnist64_small,
    "disc_conv3d": disc_conv3d,
    "disc_attention": disc_attention,
    "disc_unet": disc_unet,
    "disc_dit": disc_dit,
}
