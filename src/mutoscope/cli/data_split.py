"""`mutoscope data split DIR`: cut the clips of a manifest into shots and windows, and keep some for measuring."""

import json
from pathlib import Path
from typing import Annotated, Any

import tyro
from pydantic import Field

from ..data.examine import LIMIT_S
from ..data.split import Cuts
from .data_scan import next_command
from .folders import check_writable
from .parse import parse, say
from .progress import Progress

DESCRIPTION = """Cut long clips at scene changes, leave out black and frozen stretches, cut windows of one length, and
keep some clips for measuring. Nothing is encoded again: the manifest is written anew, the files stay as they are.
What an earlier call cut is put together first, so the last call says it all; only a file of which nothing was left
needs another scan.

mutoscope data split clips/ --window-s 4 --test-share 0.1"""
MAX_TOLD = 10  # files with problems


class SplitOptions(Cuts):
    """Which folder, and where to cut."""

    dir: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
    """Folder with manifest.jsonl, or the manifest itself."""
    limit_s: Annotated[float, Field(gt=0)] = LIMIT_S
    """Seconds that decoding 500 frames of a file may take; then it is left as it is and reported."""
    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object, for scripts."""


def run(args: list[str]) -> int:
    """The verb's action."""
    options = parse(SplitOptions, args, "mutoscope data split", DESCRIPTION)
    from ..data.manifest import manifest_file, read_manifest, write_manifest
    from ..data.split import split

    entries = read_manifest(options.dir)
    manifest = manifest_file(options.dir)
    check_writable(manifest.parent)
    with Progress() as progress:
        made = split(
            entries,
            manifest.parent,
            options,
            limit_s=options.limit_s,
            on_progress=lambda done, total: progress.update("split", done, total),
        )
    write_manifest(manifest, made.entries)
    told = {
        "manifest": str(manifest),
        "files": len({entry.file for entry in made.entries}),
        "train": _side(made.entries, "train"),
        "test": _side(made.entries, "test"),
        "left_out_s": {reason: round(seconds, 3) for reason, seconds in made.left_out_s.items()},
        "problems": [problem.model_dump() for problem in made.problems],
    }
    print(json.dumps(told, indent=1) if options.as_json else readable(told))
    if made.entries:
        say(f"next: {next_command(manifest)}")
    return 0


def _side(entries: list, name: str) -> dict[str, Any]:
    those = [entry for entry in entries if entry.split == name]
    return {"clips": len(those), "seconds": round(sum(entry.duration_s for entry in those), 3)}


def readable(told: dict[str, Any]) -> str:
    """The same for people, in a few lines."""
    from ..words import duration

    rows = [
        (name, f"{told[name]['clips']:,} clips, {duration(told[name]['seconds'], tenths=True)}")
        for name in ("train", "test")
    ]
    names = {"black": "black", "frozen": "frozen", "short": "too short, or a rest between windows"}
    left_out = [f"{duration(told['left_out_s'][key])} {name}" for key, name in names.items() if told["left_out_s"][key]]
    rows.append(("left out", ", ".join(left_out) or "nothing"))
    problems = told["problems"]
    rows += [(problem["reason"], f"{problem['file']} {problem['words']}") for problem in problems[:MAX_TOLD]]
    if len(problems) > MAX_TOLD:
        rows.append(("", f"and {len(problems) - MAX_TOLD:,} more: --json tells them all"))
    rows.append(("manifest", told["manifest"]))
    return "\n".join(f"{name:<17} {text}" for name, text in rows)
