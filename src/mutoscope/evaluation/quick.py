"""The judge alone: for measuring many models in a row, such as the snapshots of a run."""

from pathlib import Path

from ..data.config import SpriteConfig
from .adherence import examine, summarise
from .asking import Generate, ask, video_seeds
from .judge import load_or_train_judge
from .prompts import prompts
from .result import Adherence


def quick_adherence(
    config: SpriteConfig, generate: Generate, num_prompts: int, seed: int, cache: Path | None
) -> Adherence:
    """What `evaluate` finds under the same prompts and seeds, without ceilings and floors: a model changes neither.

    cache: folder in which the judge is kept; None trains it at every call.
    """
    judge, asked = load_or_train_judge(config, cache), prompts(config, num_prompts, seed)
    frames = ask(generate, asked, video_seeds(num_prompts, seed), config)
    return summarise(examine(frames, asked, config, judge), has_colour=bool(config.colours))
