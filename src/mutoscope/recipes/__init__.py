"""Full configurations as functions; each docstring says command, hardware, time and measured quality.

A new recipe is a function in a file of this folder and a line in `RECIPES`.
"""

from collections.abc import Callable

from ..training.config import RunConfig
from .demo import demo
from .packaged import packaged
from .smoke import smoke

RECIPES: dict[str, Callable[[], RunConfig]] = {
    "smoke": smoke,
    "demo": demo,
    "packaged": packaged,
}
