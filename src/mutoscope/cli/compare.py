"""`mutoscope compare ENTRY ENTRY …`: train several models on one budget, measure them alike, write one page."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.config import SpriteConfig
from ..files import whole_file
from .child import Ended, run_child
from .compare_measure import measure
from .compare_plan import (
    CompareOptions,
    Plan,
    PlannedEntry,
    check_alike,
    check_entries,
    command_of,
    complete_plan,
    open_plan,
    own_options_only,
    read_entry,
)
from .folders import check_writable, write_whole
from .parse import parse, say
from .train import say_loading

if TYPE_CHECKING:
    from torch import Tensor

    from ..evaluation.comparison import Entry

DESCRIPTION = """Train several models on one budget from one seed, ask all of them the same, and write compare.html:
which to choose and why. Called again it goes on, and trains nothing twice.

mutoscope compare demo "demo --denoiser.depth 2" --seconds 120"""
FEW_PROMPTS = 48  # of the curves
SHOWN_PROMPTS = 8
FAILED = 1


def run(args: list[str]) -> int:
    """The verb."""
    own_options_only(args)
    options = parse(CompareOptions, args, "mutoscope compare", DESCRIPTION)
    plan = open_plan(options)
    asked = [read_entry(name, options) for name in options.entries]
    check_alike(asked)
    check_writable(options.out)
    say_loading()
    check_entries(asked)
    options.out.mkdir(parents=True, exist_ok=True)
    plan = complete_plan(plan, asked, options.out)
    chosen = [next(planned for planned in plan.entries if planned.name == entry.name) for entry in asked]
    commands = [command_of(entry, planned, options.out) for entry, planned in zip(asked, chosen, strict=True)]
    failed: dict[str, str] = {}
    for number, (planned, command) in enumerate(zip(chosen, commands, strict=True), 1):
        if (ended := _train(planned, command, options.out, f"[{number}/{len(chosen)}]")).stopped:
            say(f"stopped. Go on with: {shlex.join(['mutoscope', 'compare', *args])}")
            return 0
        if ended.reason:
            failed[planned.name] = ended.reason
            say(f"[{number}/{len(chosen)}] {planned.name} failed: {ended.reason}")
    return _measure_and_write(options, plan, chosen, commands, failed)


def _train(planned: PlannedEntry, command: list[str], out: Path, place: str) -> Ended:
    """Train an entry, unless its folder holds it already."""
    from ..training.summary import SUMMARY, Summary, finished

    def done() -> bool:
        return finished(planned.config, folder, Summary(folder / SUMMARY))

    folder = out / planned.folder
    if done():
        say(f"{place} {planned.name}: trained already, {folder}")
        return Ended()
    say(f"{place} {planned.name}: training, log in {folder / 'train.log'}")
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", *command]
    ended = run_child(words, folder / "train.log", lambda line: say(f"{place} {planned.name}: {line}"))
    if ended.stopped or ended.reason or done():
        return ended
    return Ended(stopped=True)  # somebody stopped the child alone: it has saved


def _measure_and_write(
    options: CompareOptions,
    plan: Plan,
    chosen: list[PlannedEntry],
    commands: list[list[str]],
    failed: dict[str, str],
) -> int:
    from ..evaluation.comparison import Comparison, Failure, prepare_exam
    from ..evaluation.comparison_page import SideBySide, write_comparison
    from ..evaluation.comparison_words import sentences
    from ..video.pixels import to_uint8

    say("preparing the judge")
    data, cache = chosen[0].config.data, options.out / "cache"
    assert isinstance(data, SpriteConfig)  # others were refused with the entries
    few = min(FEW_PROMPTS, options.prompts)
    exam = prepare_exam(data, options.prompts, options.seed, cache)
    entries: list[Entry] = []
    failures: list[Failure] = []
    videos: list[Tensor] = []
    for planned, words in zip(chosen, commands, strict=True):
        command = shlex.join(words)
        if planned.name in failed:
            failures.append(Failure(name=planned.name, command=command, reason=failed[planned.name]))
            continue
        say(f"measuring {planned.name}")
        entry, frames = measure(planned, command, options.out / planned.folder, exam, few, cache)
        entries.append(entry)
        videos.append(frames[:SHOWN_PROMPTS])
    comparison = Comparison(
        budget=in_words(plan),
        num_prompts=options.prompts,
        few_prompts=few,
        seed=options.seed,
        entries=tuple(entries),
        failures=tuple(failures),
    )
    rows = [
        SideBySide(question.prompt, tuple(to_uint8(frames[i]) for frames in videos))
        for i, question in enumerate(exam.asked[:SHOWN_PROMPTS])
        if videos
    ]
    write_whole(options.out / "compare.json", comparison.model_dump_json(indent=1))
    with whole_file(options.out / "compare.html") as half:
        write_comparison(comparison, rows, half, fps=data.fps)
    print("\n".join(sentences(comparison)))
    print(f"numbers  {options.out / 'compare.json'}\npage     {options.out / 'compare.html'}")
    return FAILED if failures else 0


def in_words(plan: Plan) -> str:
    """The budget."""
    if plan.unit is None or plan.amount is None:
        return "none, every recipe as it is"
    words = {
        "seconds": "seconds, as measured before training",
        "flops": "FLOPs of training",
        "examples": "clips seen",
    }
    return f"{plan.amount:g} {words[plan.unit]}"
