"""`mutoscope profile RECIPE [--section.field value ...]`: where the time of a training step goes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from pydantic import Field

from .folders import check_writable
from .parse import say
from .recipe_options import RecipeOptions, recipe_options
from .train import say_loading

if TYPE_CHECKING:
    from ..training.profiling import StageProfile

LARGEST = 10


class ProfileOptions(RecipeOptions):
    """What is measured, and where the traces go."""

    verb = "profile"
    description = "Measure a few real training steps of every stage: the largest costs, and a trace of each stage."
    folder = "profiles"

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the traces."""
    steps: Annotated[int, Field(ge=1)] = 5
    """Steps that are measured, after two that are not."""


def run(args: list[str]) -> int:
    """The verb."""
    options = recipe_options(ProfileOptions, args)
    if options is None:
        return 0
    check_writable(options.out)
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # the profiler's own notes are of no use here
    say_loading()
    from ..training.distributed import Engine
    from ..training.profiling import profile
    from ..training.run import check

    check(config := options.run)
    engine = Engine(recompute=options.recompute, compile=options.compile)
    for stage in profile(config, options.out, options.steps, engine):
        print(readable(stage) + "\n")
    say(f"a trace opens in https://ui.perfetto.dev or chrome://tracing: {options.out}/trace-*.json")
    return 0


def readable(stage: "StageProfile") -> str:
    """A table."""
    seconds = stage.seconds_per_step
    lines = [f"{stage.name}: {1000 * seconds:.1f} ms per step of {stage.examples} clips, {stage.dtype}"]
    lines += [f"  {share:6.1%}  {name}" for name, share in stage.parts.items()]
    lines.append(f"  the {LARGEST} largest costs, without what they call:")
    width = max(len(cost.name) for cost in stage.costs[:LARGEST])
    for cost in stage.costs[:LARGEST]:
        taken = f"{1000 * cost.seconds:8.2f} ms in {cost.calls:,.0f} calls"
        lines.append(f"  {cost.seconds / seconds:6.1%}  {cost.name:<{width}}  {taken}")
    return "\n".join([*lines, f"  trace: {stage.trace}"])
