"""`mutoscope train RECIPE [--section.field value ...]`: a recipe, changed by options, run or gone on with."""

import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import one_line
from ..training.config import RunConfig
from ..training.run_folder import read_prompts
from ..words import duration
from .folders import check_writable
from .parse import say
from .progress import Progress, RunLog
from .recipe_options import RecipeOptions, changed, recipe_options
from .stopping import StopSignal

if TYPE_CHECKING:
    from ..model import VideoModel
    from ..training.distributed import Engine


class TrainOptions(RecipeOptions):
    """A run and where it goes."""

    verb = "train"
    description = "Train all stages of a recipe into a run folder, or go on with what is there. Ctrl-C saves."
    folder = "runs"

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Run folder; a run that is there already goes on."""
    dry_run: tyro.conf.FlagCreatePairsOff[bool] = False
    """Say what would be trained on, for how long and in how much memory, and stop."""
    fsdp: tyro.conf.FlagCreatePairsOff[bool] = False
    """Under torchrun: every process keeps a part of the weights (FSDP2), not a copy of them (DDP)."""


def run(args: list[str]) -> int:
    """The verb."""
    options = recipe_options(TrainOptions, args)
    if options is None:
        return 0
    if options.dry_run:
        print("\n".join(expected(options)))
        return 0
    say_loading()
    from ..processes import joined
    from ..training.distributed import Engine

    with joined() as processes:
        engine = Engine(processes, options.fsdp, options.recompute, options.compile)
        if not processes.first:
            return train_along(options.run, options.out, engine)
        return train_run(options.run, options.out, command_of(args), engine)


def command_of(args: list[str]) -> str:
    """What to type to go on."""
    here = os.environ.get("LOCAL_WORLD_SIZE")
    launcher = ["torchrun", "--nproc-per-node", here, "-m"] if here else []
    return shlex.join([*launcher, "mutoscope", "train", *args])


def expected(options: TrainOptions) -> list[str]:
    """What a run would take."""
    say_loading()
    from ..training.distributed import Engine
    from ..training.preflight import preflight
    from ..training.run import check

    check(config := options.run)
    return preflight(config, Engine(recompute=options.recompute, compile=options.compile))


def options_for(name: str, args: list[str]) -> tuple[RunConfig, Path]:
    """The recipe `name` changed by options, and the run folder."""
    options = changed(TrainOptions, name, args)
    return options.run, options.out


def train_run(config: RunConfig, out: Path, command: str, engine: "Engine") -> int:
    """Train, show progress, and say where things are; `command` is what to type to go on."""
    check_writable(out)
    from ..training.callbacks import Callbacks
    from ..training.preflight import preflight
    from ..training.recovery import NonFiniteLoss
    from ..training.run import check, open_run, train
    from ..training.summary import stage_seconds
    from ..training.trainer import Interrupted

    processes = engine.processes
    check(config, processes)
    if not (out / "config.json").is_file():  # a wrong folder shows here, before there is a run
        with suppress(NonFiniteLoss):  # the run itself will say so, and name its checkpoint
            say("\n".join(preflight(config, engine)))
    open_run(config, out)
    log = RunLog(out / "log.txt")
    log.write(command)
    with StopSignal(repeated=processes.count > 1) as stop, Progress(log) as progress:

        def on_step(stage: str, step: int, steps: int, loss: float) -> None:
            progress.update(stage, step, steps, loss)

        def on_samples(model: "VideoModel", step: int) -> None:
            progress.note(write_samples(model, out, step))

        try:
            callbacks = Callbacks(on_step, progress.speed, on_samples, stop.asked, progress.note)
            train(config, out, callbacks, engine)
        except Interrupted as interrupted:
            progress.note(f"{interrupted}. Saved; go on with: {command}")
            return 0
        except (ValueError, OSError) as error:
            log.write(one_line(error))
            if isinstance(error, OSError):
                raise OSError(f"{one_line(error)} What was saved is kept; {command} goes on.") from error
            raise
        log.write(f"done after {duration(stage_seconds(out))} of training")
    print(ending(config, out, stage_seconds(out)))
    return 0


def train_along(config: RunConfig, out: Path, engine: "Engine") -> int:
    """The same in a process that is not the first: it computes, and says nothing."""
    from ..training.callbacks import Callbacks
    from ..training.run import train
    from ..training.trainer import Interrupted

    with StopSignal(repeated=True) as stop, suppress(Interrupted):
        train(config, out, Callbacks(should_stop=stop.asked), engine)
    return 0


def write_samples(model: "VideoModel", out: Path, step: int) -> str:
    """Videos of the run's prompts, seeds 0, 1, …, as samples/step-N.png and .webp; returns a line that says so."""
    import numpy as np

    from ..pipeline import Pipeline
    from ..video.sheet import contact_sheet
    from ..video.write import write_video

    prompts = read_prompts(out)
    try:
        clips = Pipeline(model).generate_many(prompts, list(range(len(prompts))))
    except ValueError as error:  # an early model may give NaN: training goes on, and will say so itself if it is ill
        return f"no samples at step {step}: {one_line(error)}"
    sheet = out / "samples" / f"step-{step:06d}.png"
    scale = max(1, 96 // min(clips[0].shape[1:3]))
    write_video(sheet, np.asarray(contact_sheet(clips, prompts, scale=scale))[None], fps=1)
    write_video(sheet.with_suffix(".webp"), np.concatenate(clips, axis=2), model.config.fps, scale)
    return f"samples: {sheet}"


def ending(config: RunConfig, out: Path, seconds: float) -> str:
    """Where things are and what to do next."""
    prompt = next(iter([*config.sample_prompts, *read_prompts(out)]), "a red 7 moving left")
    lines = [
        f"trained in {duration(seconds)}: {out}",
        f"  model    {out / 'model'}",
        f"  metrics  {out / 'metrics.jsonl'}",
    ]
    if (out / "samples").is_dir():
        lines.append(f"  samples  {out / 'samples'}")
    folder = shlex.quote(str(out))
    lines += ["next:", f"  mutoscope generate {shlex.quote(prompt)} --model {folder}", f"  mutoscope evaluate {folder}"]
    return "\n".join(lines)


def say_loading() -> None:
    """Torch takes seconds to load: a person at a terminal should see that something happens."""
    if sys.stderr.isatty() and os.environ.get("RANK", "0") == "0":
        print("loading torch …", file=sys.stderr)
