"""Kill -9 at any moment loses at most the steps since the last checkpoint, and changes no bit of the final weights.

Command: python benchmarks/chaos.py [--kills 50] [--seed 0] [--out FILE.json]

A tiny run (VAE, latents, diffusion model; float32, one thread) is trained undisturbed. Then the same run is trained by
processes that are killed, one after the other, until it is finished: a round. There are rounds until so many kills have
fallen. Some fall at any moment after the start of a process. The others are placed: they wait for a step, or, because
these take only milliseconds, until a checkpoint, a shard of latents or the model is being written, and a random moment.

After every kill all checkpoints must load, nothing that was kept may be gone, and the next process must begin right
behind it, with no word of damage. After every round the model's files and the log of losses must be those of the
undisturbed run. Every process must end killed by this script or with exit code 0.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from mutoscope.data import cache
from mutoscope.files import PART
from mutoscope.recipes.smoke import smoke
from mutoscope.training.checkpoint import Damaged, load_checkpoint
from mutoscope.training.checkpoint_files import CHECKPOINTS, list_checkpoints, step_of
from mutoscope.training.config import RunConfig
from mutoscope.training.lock import LOCK
from mutoscope.training.metric_log import METRICS
from mutoscope.training.run import Callbacks, train
from mutoscope.training.summary import SUMMARY, Summary, finished

EVERY = 5
"""Steps between checkpoints."""
CLIPS_AT_ONCE = 32
"""What one report of the encoding stands for, and here a shard."""
ANY_S, PLACED_S = 2.5, 0.3
"""Kills at any moment come up to so long after the start of the process; placed ones look for their aim after up to so
long. Both are doubled while nothing new is kept."""
LOOK_S = 0.00005
PATIENCE_S = 120.0
"""A process that takes longer hangs."""
ANY, STEP, CHECKPOINT = "any moment", "a step", "a checkpoint"
REMOVAL, SHARD, MODEL = "a removal", "a shard", "the model"
SIGNS = {
    STEP: (METRICS, 1.0),
    CHECKPOINT: (f"{CHECKPOINTS}/.*{PART}", 0.004),
    REMOVAL: (f"{CHECKPOINTS}/*-*", 0.0),  # a new one: now the oldest goes
    SHARD: (f"cache/latents/*{PART}", 0.001),
    MODEL: ("model/*", 0.004),
}
"""What shows up when it is there or being written, and how many seconds later the kill comes, at most."""
AIMS = {
    "vae": (ANY, STEP, CHECKPOINT, REMOVAL),
    "encode": (ANY, SHARD),
    "diffusion": (ANY, STEP, CHECKPOINT, REMOVAL, MODEL),
    "done": (ANY, MODEL),
}
"""What a kill is aimed at, by how far the run is when the process starts; one is drawn."""
LOADING, WRITING, REMOVING, SHARDING, LEAVING = (
    "loading",
    "writing a checkpoint",
    "removing an old checkpoint",
    "writing a shard of latents",
    "leaving, the model saved",
)
WORKING = {
    "vae": "training the VAE",
    "encode": "encoding clips",
    "diffusion": "training the diffusion model",
    "done": "saving the model",
}
PHASES = (LOADING, *WORKING.values(), WRITING, REMOVING, SHARDING, LEAVING)
"""What a process may be at when it dies."""


@dataclass(frozen=True)
class Kill:
    """One that has fallen."""

    round: int
    phase: str
    aim: str
    kept: dict[str, int]
    """Steps of each stage, and clips encoded, that are safe on disk."""
    lost: int
    """Steps that were done, but not kept."""


@dataclass
class Result:
    """What came of it."""

    kills: list[Kill] = field(default_factory=list)
    resumes: int = 0
    """Processes that were started on what a killed one had left."""
    rounds: int = 0
    equal: int = 0
    """Rounds that ended in the undisturbed run's model and losses."""
    failures: list[str] = field(default_factory=list)
    """In words; none = passed."""


def small_run() -> RunConfig:
    """Seconds, with checkpoints as often as makes sense."""
    recipe = smoke()
    steps = {"checkpoint_every": EVERY, "log_every": 1}
    return recipe.model_copy(
        update={
            "vae_training": recipe.vae_training.model_copy(update=steps | {"steps": 60}),
            "training": recipe.training.model_copy(update=steps | {"steps": 50}),
            "cached_clips": 16 * CLIPS_AT_ONCE,
            "sample_every": 0,
            "sample_prompts": (),
        }
    )


def train_and_tell(config: RunConfig, run: Path, output: Path) -> None:
    """What a process does. It tells every step as a line of `output`, where its errors go, too."""
    file = os.open(output, os.O_WRONLY)
    os.dup2(file, 1)
    os.dup2(file, 2)
    torch.set_num_threads(1)
    cache.SHARD_BYTES = 1  # a shard for every report: one of 64 MiB would hold all these clips

    def told(stage: str, done: int, total: int, loss: float) -> None:
        os.write(1, f"{stage} {done}\n".encode())

    train(config, run, Callbacks(on_step=told, on_notice=lambda line: print(line, flush=True)))


def kept(config: RunConfig, run: Path) -> dict[str, int]:
    """What is safe on disk: steps of each stage, and clips whose latents are there."""
    found = {"vae": 0, "encode": 0, "diffusion": 0}
    for stage in config.stages:
        if there := list_checkpoints(run / CHECKPOINTS, stage):
            found[stage] = step_of(there[-1])
    index = run / "cache" / "latents" / cache.INDEX
    if index.exists():
        found["encode"] = cache.Index.model_validate_json(index.read_bytes()).num_clips
    return found


def told_in(output: Path) -> tuple[list[tuple[str, int]], list[str]]:
    """Stage and steps (clips for `encode`) done, as a process told it, and what else it said."""
    lines = output.read_text().splitlines()
    steps = [(stage, int(done)) for stage, _, done in (line.partition(" ") for line in lines) if done.isdigit()]
    return steps, [line for line in lines if not line.rpartition(" ")[2].isdigit()]


def stage_of(run: Path) -> str:
    """What the run is at: vae, encode, diffusion, or done with all of them."""
    done = Summary(run / SUMMARY).values.get("stages", {})
    if "diffusion" in done:
        return "done"
    if "vae" not in done:
        return "vae"
    return "diffusion" if list_checkpoints(run / CHECKPOINTS, "diffusion") else "encode"


def marks(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Files and folders that are there, and what changes when one is written."""
    found = {}
    for path in paths:
        with suppress(FileNotFoundError):
            about = path.stat()
            found[path] = (about.st_ino, about.st_mtime_ns)
    return found


def phase_of(config: RunConfig, run: Path, before: Mapping[Path, tuple[int, int]]) -> str:
    """What a process was at when it died, told by the files, as they were before it and as they are now."""
    changed = [path for path, mark in marks(run.rglob("*")).items() if before.get(path) != mark and path.name != LOCK]
    for path in (path for path in changed if path.name.endswith(PART)):
        if path.parent.name == CHECKPOINTS:
            stage, _, step = path.name.removeprefix(".").removesuffix(PART).rpartition("-")
            newer = any(step_of(other) > int(step) for other in list_checkpoints(path.parent, stage))
            return REMOVING if newer else WRITING
        if path.parent.name == "latents":
            return SHARDING
    if finished(config, run, Summary(run / SUMMARY)):
        return LEAVING
    if not changed or not list_checkpoints(run / CHECKPOINTS, "vae"):
        return LOADING
    return WORKING[stage_of(run)]


def start(config: RunConfig, run: Path, output: Path) -> BaseProcess:
    """A process that trains, forked from one that has loaded torch and computed nothing: it starts at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([train.__module__])
    process = context.Process(target=train_and_tell, args=(config, run, output))
    process.start()
    return process


def struck(process: BaseProcess, run: Path, aim: str, delay: float, rng: random.Random) -> bool:
    """Kill after the delay, when the aim has come in sight, and a moment later; whether the process was still there.

    One that hangs is killed, too, but that is no such kill.
    """
    sign, linger = SIGNS.get(aim, ("", 0.0))
    old = marks(run.glob(sign)) if sign else {}
    process.join(delay)
    hangs_at = time.monotonic() + PATIENCE_S
    if sign:
        while marks(run.glob(sign)).items() <= old.items() and process.is_alive() and time.monotonic() < hangs_at:
            time.sleep(LOOK_S)
        process.join(rng.uniform(0, linger))
    there = process.is_alive() and time.monotonic() < hangs_at
    process.kill()
    process.join()
    return there


def faults(config: RunConfig, run: Path, before: dict[str, int], told: list[tuple[str, int]]) -> list[str]:
    """What is not as it should be in a run folder after a process has died in it; `before`: what was kept."""
    found = []
    for stage in config.stages:
        for path in list_checkpoints(run / CHECKPOINTS, stage):
            try:
                load_checkpoint(path)
            except Damaged as error:
                found.append(str(error))
    now = kept(config, run)
    found += [f"{name}: {before[name]} were kept, {now[name]} are left" for name in now if now[name] < before[name]]
    if told:
        stage, first = told[0]
        if first != (expected := before[stage] + (CLIPS_AT_ONCE if stage == "encode" else 1)):
            found.append(f"{stage} went on with {first} where {expected} was next")
    found += [f"{stage}: {steps} steps lost" for stage, steps in lost(now, told).items() if steps > EVERY]
    return found


def lost(now: dict[str, int], told: list[tuple[str, int]]) -> dict[str, int]:
    """What was done and not kept, by stage."""
    return {stage: done - now[stage] for stage, done in dict(told).items() if done > now[stage]}


def outcome(run: Path) -> dict[str, Any]:
    """What a run comes to: the files of its model, and its log without times, by stage and step."""
    found: dict[str, Any] = {path.name: path.read_bytes() for path in sorted((run / "model").iterdir())}
    for line in (run / METRICS).read_text().splitlines():
        row = json.loads(line)
        found.setdefault(f"{row['stage']} step {row['step']}", []).append((row["loss"], row["grad_norm"], row["lr"]))
    return found


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Files and steps in which two runs differ, in order."""
    return [name for name in one | other if one.get(name) != other.get(name)]


def one_round(config: RunConfig, folder: Path, most: int, rng: random.Random, result: Result) -> dict[str, Any]:
    """Train a run to its end under at most so many kills; what it comes to, nothing where a process failed."""
    folder.mkdir()
    run, output, stalled, fallen = folder / "run", folder / "output.txt", 0, 0
    while True:
        before, files = kept(config, run), marks(run.rglob("*"))
        aim = rng.choice(AIMS[stage_of(run)])
        delay = rng.uniform(0, ANY_S if aim == ANY else PLACED_S) * 2**stalled
        output.write_text("")
        process = start(config, run, output)
        meant = fallen < most
        if meant:
            meant = struck(process, run, aim, delay, rng)
        else:
            process.join(PATIENCE_S)
            process.kill()
            process.join()
        told, notices = told_in(output)
        found = [*notices, *faults(config, run, before, told)]
        if process.exitcode != 0 and not (meant and process.exitcode == -signal.SIGKILL):
            found.append(f"a process hung, or ended by itself: exit code {process.exitcode}")
        result.failures += found
        if found:
            print(*found, sep="\n", file=sys.stderr)
            return {}
        if process.exitcode == 0:
            return outcome(run)
        now, phase = kept(config, run), phase_of(config, run, files)
        result.kills.append(Kill(result.rounds, phase, aim, now, max(lost(now, told).values(), default=0)))
        fallen, stalled = fallen + 1, stalled + 1 if now == before else 0


def chaos(folder: Path, kills: int, seed: int) -> Result:
    """Rounds until so many kills have fallen, each in a folder of its own below `folder`."""
    config, rng, result = small_run(), random.Random(seed), Result()
    calm = one_round(config, folder / "undisturbed", 0, rng, result)
    end = calm
    while end and len(result.kills) < kills:
        result.rounds += 1
        before, place = len(result.kills), folder / f"round-{result.rounds}"
        if end := one_round(config, place, kills - before, rng, result):
            apart = differences(calm, end)
            result.equal += not apart
            result.failures += [f"round {result.rounds} differs in {', '.join(apart)}"] if apart else []
        result.resumes += len(result.kills) - before
        shutil.rmtree(place)
        print(f"round {result.rounds}: {len(result.kills)} kills so far", file=sys.stderr)
    return result


def table(result: Result) -> str:
    """For people."""
    lines = ["| killed while | kills | placed | most steps lost |", "|---|---|---|---|"]
    for phase in PHASES:
        those = [kill for kill in result.kills if kill.phase == phase]
        placed, steps = sum(kill.aim != ANY for kill in those), max((kill.lost for kill in those), default=0)
        lines.append(f"| {phase} | {len(those)} | {placed} | {steps} |")
    return "\n".join(
        [
            *lines,
            "",
            f"{len(result.kills)} kills, {result.resumes} resumes, {len(result.failures)} failures; of {result.rounds} "
            f"rounds {result.equal} ended in the undisturbed run's model and losses, bit for bit.",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and aims of the kills")
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = chaos(Path(folder), options.kills, options.seed)
    print(table(result))
    print(*result.failures, sep="\n")
    if options.out:
        options.out.write_text(json.dumps(asdict(result), indent=1))
    return 1 if result.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
