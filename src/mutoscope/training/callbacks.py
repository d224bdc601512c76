"""How the outside watches and steers a run; training itself prints nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .throughput import Speed

if TYPE_CHECKING:
    from ..model import VideoModel

OnStep = Callable[[str, int, int, float], None]
"""Called after every step with (stage, steps done, steps in all, loss)."""


@dataclass(frozen=True)
class Callbacks:
    """What is called when."""

    on_step: OnStep = lambda stage, step, steps, loss: None
    on_speed: Callable[[str, Speed], None] = lambda stage, speed: None
    """After every line of metrics.jsonl, with the stage."""
    on_samples: "Callable[[VideoModel, int], None]" = lambda model, step: None
    should_stop: Callable[[], bool] = lambda: False
    on_notice: Callable[[str], None] = lambda line: None


SILENT = Callbacks()
