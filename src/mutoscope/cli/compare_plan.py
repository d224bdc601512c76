"""What a comparison is asked for, looked at before anything is trained, and its plan: the steps of every entry."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from pydantic import Field, ValidationError

from ..config import Config
from ..data.config import SpriteConfig
from ..errors import invalid, suggestion
from ..recipes import RECIPES
from ..training.config import RunConfig
from .folders import write_whole
from .parse import options_of, say
from .train import TrainOptions, options_for

EXAMPLE = 'mutoscope compare demo "demo --denoiser.depth 2" --seconds 120'
OWN_OPTIONS = ("--out", "--seed", "--snapshots", "--sample-every")  # the comparison sets them, alike for all


class CompareOptions(Config):
    """What to compare, on which budget."""

    entries: Annotated[
        tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="ENTRY [ENTRY ...]", help_behavior_hint="")
    ] = ()
    """Recipes; with options of train in quotes, e.g. "demo --denoiser.depth 2"."""
    seconds: Annotated[Annotated[float, Field(gt=0)] | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Budget of each: seconds of training on this machine, all stages."""
    flops: Annotated[Annotated[float, Field(gt=0)] | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Budget of each: floating-point operations of training, all stages."""
    examples: Annotated[Annotated[int, Field(ge=1)] | None, tyro.conf.arg(metavar="INT")] = None
    """Budget of each: clips seen, all stages. Without a budget every recipe runs as it is."""
    prompts: Annotated[int, Field(ge=8, le=100_000)] = 100
    """Videos that each finished model is judged on."""
    snapshots: Annotated[int, Field(ge=0, le=100)] = 6
    """Models kept on the way, for quality against training time."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of training, prompts and videos."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("runs/compare")
    """Folder of compare.html, compare.json and the runs."""


class PlannedEntry(Config):
    """One model of plan.json."""

    name: str
    """As typed."""
    folder: str
    """Inside the comparison's folder."""
    config: RunConfig
    """With the steps that the budget pays for."""
    encode_seconds: float
    vae_flops: float | None
    """Of one optimizer step; none where no VAE is trained."""
    diffusion_flops: float


class Plan(Config):
    """plan.json: what was measured and decided before training, so that a second call is the same comparison."""

    unit: Literal["seconds", "flops", "examples"] | None
    amount: float | None
    snapshots: int
    seed: int
    entries: tuple[PlannedEntry, ...] = ()


@dataclass(frozen=True)
class Asked:
    """An entry of the command line."""

    name: str
    words: list[str]
    config: RunConfig


def own_options_only(args: list[str]) -> None:
    """An option of an entry outside its quotes is the easiest mistake: say where it belongs."""
    own = options_of(CompareOptions)
    for word in args:
        name = word.split("=")[0].replace("_", "-")
        if name.startswith("--") and name not in own and ("." in name or name in options_of(TrainOptions)):
            raise ValueError(f"{name} belongs to one entry: put it in quotes with its recipe. Type: {EXAMPLE}")


def read_entry(name: str, options: CompareOptions) -> Asked:
    """A recipe and its options, as a run of this comparison; ValueError for what is wrong in it."""
    try:
        words = shlex.split(name)
    except ValueError as error:
        raise ValueError(f"entry {name!r} is not a command line: {error}. Type: {EXAMPLE}") from error
    if not words or words[0] not in RECIPES:
        recipe = words[0] if words else ""
        raise ValueError(
            f"entry {name!r}: unknown recipe {recipe!r}.{suggestion(recipe, RECIPES)} Recipes: {', '.join(RECIPES)}."
        )
    for word in words[1:]:
        option = word.split("=")[0].replace("_", "-")
        if option in OWN_OPTIONS:
            raise ValueError(f"entry {name!r}: {option} is the same for all entries; give it to compare, not to one.")
        if option in ("-h", "--help"):
            raise ValueError(f"entry {name!r} asks for help. Type: mutoscope train {words[0]} --help")
    try:
        config, _ = options_for(words[0], words[1:])
    except ValueError as error:
        raise ValueError(f"entry {name!r}: {error}") from error
    changes = {"seed": options.seed, "snapshots": options.snapshots, "sample_every": 0}
    return Asked(name, words, config.model_copy(update=changes))


def check_alike(asked: list[Asked]) -> None:
    """At least two entries, all different, on the same data."""
    if len(asked) < 2:
        raise ValueError(f"a comparison needs 2 entries or more, got {len(asked)}. Type: {EXAMPLE}")
    for i, entry in enumerate(asked):
        for other in asked[:i]:
            if entry.config == other.config:
                raise ValueError(f"entries {other.name!r} and {entry.name!r} are the same. Change an option of one.")
        first, data = asked[0].config.data, entry.config.data
        if not isinstance(data, SpriteConfig):
            raise ValueError(
                f"entry {entry.name!r} is about clips of your own, which have no judge: nobody knows what is in them. "
                "Compare on the built-in sets."
            )
        if data.num_sprites > 1:
            raise ValueError(
                f"entry {entry.name!r} draws two sprites; a comparison judges one. Type: mutoscope evaluate"
            )
        for field in type(first).model_fields:
            if getattr(first, field) != getattr(data, field):
                raise ValueError(
                    f"entries need the same data: data.{field} is {getattr(first, field)} in {asked[0].name!r} and "
                    f"{getattr(data, field)} in {entry.name!r}. Give both the same --data.{field.replace('_', '-')}."
                )


def check_entries(asked: list[Asked]) -> None:
    """Refuse every combination that training would refuse, before any of them trains."""
    from ..data.open import open_clips
    from ..evaluation.comparison import check_motion
    from ..training.run import build_model, check

    data = asked[0].config.data
    assert isinstance(data, SpriteConfig)  # check_alike has refused others
    check_motion(data)
    for entry in asked:
        config = entry.config
        try:
            check(config)
            clips = open_clips(config.data, "train", config.seed)
            build_model(config, clips).reader.check(clips.captions(range(config.cached_clips)))
        except ValueError as error:
            raise ValueError(f"entry {entry.name!r}: {error}") from error


# --------------------------------------------------------------------------------------------------------- the plan


def open_plan(options: CompareOptions) -> Plan:
    """The plan of the folder, or a new one without entries; ValueError where it is of another comparison."""
    budgets = [name for name in ("seconds", "flops", "examples") if getattr(options, name) is not None]
    if len(budgets) > 1:
        raise ValueError(f"--{budgets[0]} and --{budgets[1]} are two budgets; give one of them.")
    unit = budgets[0] if budgets else None
    amount = float(getattr(options, unit)) if unit else None
    now = Plan.model_validate({"unit": unit, "amount": amount, "snapshots": options.snapshots, "seed": options.seed})
    file = options.out / "plan.json"
    if not file.is_file():
        return now
    try:
        before = Plan.model_validate_json(file.read_text(errors="replace"))
    except ValidationError as error:
        raise ValueError(f"{file} is not a plan of this version: {invalid(error)}. Choose another --out.") from error
    for name in ("unit", "amount", "snapshots", "seed"):
        if (was := getattr(before, name)) != (is_now := getattr(now, name)):
            raise ValueError(f"{options.out} holds a comparison with {name} {was}, not {is_now}. Choose another --out.")
    return before


def complete_plan(plan: Plan, asked: list[Asked], out: Path) -> Plan:
    """Decide the steps of entries that are not in the plan yet, and write plan.json; those in it keep theirs."""
    from ..training.plan import cost_of, fitted

    for entry in asked:
        known = next((planned for planned in plan.entries if planned.name == entry.name), None)
        if known is not None:
            if with_steps_of(entry.config, known.config) != known.config:
                raise ValueError(f"{out} holds {entry.name!r} with other settings of its recipe. Choose another --out.")
            continue
        say(f"measuring what a step costs: {entry.name}")
        operations, seconds = cost_of(entry.config, "flops"), cost_of(entry.config, "seconds")
        config = entry.config
        if plan.unit is not None and plan.amount is not None:
            costs = {"flops": operations, "seconds": seconds}.get(plan.unit) or cost_of(config, plan.unit)
            try:
                config = fitted(config, costs, plan.unit, plan.amount)
            except ValueError as error:
                raise ValueError(f"entry {entry.name!r}: {error}") from error
        planned = PlannedEntry(
            name=entry.name,
            folder=folder_of(entry.name, [other.folder for other in plan.entries]),
            config=config,
            encode_seconds=seconds.once,
            vae_flops=operations.vae,
            diffusion_flops=operations.diffusion,
        )
        plan = plan.model_copy(update={"entries": (*plan.entries, planned)})
    write_whole(out / "plan.json", plan.model_dump_json(indent=1))
    return plan


def with_steps_of(config: RunConfig, other: RunConfig) -> RunConfig:
    """The configuration with the steps of another."""
    stages = {name: getattr(config, name) for name in ("vae_training", "training")}
    changes = {n: stage.model_copy(update={"steps": getattr(other, n).steps}) for n, stage in stages.items()}
    return config.model_copy(update=changes)


def folder_of(name: str, taken: list[str]) -> str:
    """A name for the run's folder, made of letters, digits and dashes, unlike those that are taken."""
    slug = re.sub(r"[^a-z0-9_.]+", "-", name.lower()).strip("-.")[:60] or "entry"
    number, free = 1, slug
    while free in (*taken, "cache"):
        number += 1
        free = f"{slug}-{number}"
    return free


def command_of(entry: Asked, planned: PlannedEntry, out: Path) -> list[str]:
    """`mutoscope train …` that makes exactly this run."""
    from ..training.plan import trains_vae

    config = planned.config
    words = ["mutoscope", "train", *entry.words, "--out", str(out / planned.folder)]
    if trains_vae(config):
        words += ["--vae-training.steps", str(config.vae_training.steps)]
    words += ["--training.steps", str(config.training.steps)]
    words += ["--seed", str(config.seed), "--snapshots", str(config.snapshots), "--sample-every", "0"]
    return words
