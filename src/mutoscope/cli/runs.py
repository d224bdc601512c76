"""`mutoscope runs [DIR]`: the runs of a folder, how far and how large; `mutoscope runs clean` frees space."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from ..config import Config
from ..errors import one_line
from ..words import duration, size
from .parse import parse

if TYPE_CHECKING:
    from ..training.cleaning import Leftover
    from ..training.run_folder import RunState

DESCRIPTION = """List the runs at and below DIR, also those of comparisons: how far each is, how long it trained, how
much it takes. What lies behind links is not looked at.

mutoscope runs clean [DIR or RUN ...] frees space: mutoscope runs clean --help"""
CLEAN_DESCRIPTION = """Free space and lose nothing that a resume, generate, evaluate or compare needs. Of finished
runs go the checkpoints and the clips encoded for training; of others checkpoints that are older than the newest sound
one of their stage; of both damaged checkpoints and what a kill left half written. Runs in use are passed over.

mutoscope runs clean runs/demo --dry-run"""
CLEAN = "clean"
DEFAULT = Path("runs")


class RunsOptions(Config):
    """Where to look."""

    dir: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="[DIR]")] = DEFAULT
    """Folder with runs below it, or a run."""
    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object, for scripts."""


class CleanOptions(Config):
    """What to clean."""

    folders: Annotated[
        tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="[DIR ...]", help_behavior_hint="")
    ] = ()
    """Runs, or folders with runs below them; none = runs."""
    dry_run: tyro.conf.FlagCreatePairsOff[bool] = False
    """Say what would go, and stop."""


def run(args: list[str]) -> int:
    """The verb."""
    if args[:1] == [CLEAN]:
        return clean_runs(args[1:])
    options = parse(RunsOptions, args, "mutoscope runs", DESCRIPTION)
    from ..training.run_folder import state_of

    states = [state_of(run) for run in runs_below(options.dir)]
    told = {
        "runs": [described(state) for state in states],
        "bytes": sum(state.num_bytes for state in states),
        "seconds": sum(state.seconds for state in states),
        "can_be_freed": sum(can_be_freed(state) for state in states),
    }
    print(json.dumps(told, indent=1) if options.as_json else readable(told, options.dir))
    return 0


def runs_below(folder: Path) -> list[Path]:
    """Run folders; ValueError where there is no such folder."""
    from ..training.run_folder import find_runs

    if not folder.is_dir():
        there = "is a file, not a folder" if folder.exists() else "does not exist"
        raise ValueError(f"{folder} {there}. Train one: mutoscope train demo --out runs/demo, or give another folder.")
    return find_runs(folder)


def can_be_freed(state: "RunState") -> int:
    """Bytes that `runs clean` would free, as far as names tell; 0 where it would pass the run over."""
    from ..training.cleaning import leftovers

    if state.problem or state.in_use_by:
        return 0
    try:
        return sum(leftover.num_bytes for leftover in leftovers(state.folder, unverified=True))
    except (OSError, ValueError):  # the run was removed or changed while it was looked at
        return 0


def described(state: "RunState") -> dict[str, Any]:
    """One run, ready for JSON."""
    words = {"problem": "unreadable", "in_use_by": "in use", "finished": "finished"}
    return {
        "run": str(state.folder),
        "state": next((word for name, word in words.items() if getattr(state, name)), "stopped"),
        "stage": state.reached.stage if state.reached else None,
        "step": state.reached.step if state.reached else None,
        "steps": state.reached.steps if state.reached else None,
        "in_use_by": state.in_use_by,
        "problem": one_line(state.problem) if state.problem else None,
        "seconds": round(state.seconds, 1),
        "bytes": state.num_bytes,
        "changed": state.changed.isoformat(timespec="seconds"),
    }


def readable(told: dict[str, Any], folder: Path) -> str:
    """The same for people: a line per run and the totals."""
    if not told["runs"]:
        return f"no runs in {folder}. Train one: mutoscope train demo --out {shlex.quote(str(folder / 'demo'))}"
    rows = [
        (row["run"], duration(row["seconds"]), size(row["bytes"]), row["changed"][:16].replace("T", " "), in_words(row))
        for row in told["runs"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{name:<{widths[0]}}  {time:>{widths[1]}}  {large:>{widths[2]}}  {changed}  {state}"
        for name, time, large, changed, state in rows
    ]
    count = f"{len(rows)} run{'s' if len(rows) > 1 else ''}"
    lines.append(f"{count}, {duration(told['seconds'])} of training, {size(told['bytes'])}")
    if told["can_be_freed"]:
        lines[-1] += f"; mutoscope runs clean {shlex.quote(str(folder))} would free {size(told['can_be_freed'])}"
    return "\n".join(lines)


def in_words(row: dict[str, Any]) -> str:
    """The state of a run."""
    if row["state"] == "unreadable":
        return f"cannot be read: {row['problem']}"
    where = f"at {row['stage']} step {row['step']:,} of {row['steps']:,}" if row["stage"] else "before the first step"
    if row["state"] == "in use":
        return f"being trained by {row['in_use_by']}, {where}"
    return "finished" if row["state"] == "finished" else f"stopped {where}"


def clean_runs(args: list[str]) -> int:
    """`runs clean`. Torch is loaded where a finished run's model is looked at before its checkpoints go."""
    options = parse(CleanOptions, args, "mutoscope runs clean", CLEAN_DESCRIPTION)
    folders = options.folders or (DEFAULT,)
    found = {run.resolve(): run for folder in folders for run in runs_below(folder)}
    if not found:
        raise ValueError(f"no runs in {', '.join(map(str, folders))}. See what is where: mutoscope runs DIR")
    freed = sum(clean_one(run, options.dry_run) for run in found.values())
    print(f"{'would free' if options.dry_run else 'freed'} {size(freed)}")
    return 0


def clean_one(run: Path, dry_run: bool) -> int:
    """Clean a run, unless it is in use or cannot be read; say so, and return the bytes that went or would go."""
    from ..training.cleaning import clean, leftovers
    from ..training.lock import in_use_by

    try:
        if user := in_use_by(run):
            print(f"{run}: passed over, in use by {user}")
            return 0
        gone = (leftovers if dry_run else clean)(run.resolve())
    except (OSError, ValueError) as error:
        print(f"{run}: left alone, {one_line(error)}")
        return 0
    print(f"{run}: {_by_kind(gone) or 'nothing to free'}")
    return sum(leftover.num_bytes for leftover in gone)


def _by_kind(gone: "list[Leftover]") -> str:
    """Checkpoints 41.0 MB, latents 12.1 MB."""
    sizes: dict[str, int] = {}
    for leftover in gone:
        sizes[leftover.what] = sizes.get(leftover.what, 0) + leftover.num_bytes
    return ", ".join(f"{what} {size(num_bytes)}" for what, num_bytes in sizes.items())
