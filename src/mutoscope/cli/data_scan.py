"""`mutoscope data scan DIR`: look at every file of a folder, write the manifest and the page."""

import json
import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from pydantic import Field

from ..config import Config
from ..data.examine import LIMIT_S
from .folders import check_writable
from .parse import parse, say
from .progress import Progress

if TYPE_CHECKING:
    from ..data.scan import Scan

DESCRIPTION = """Look at every clip of a folder, decode it once, and write manifest.jsonl for training and data.html to
look through: first frames, captions, problems.

Captions come from clip.txt beside clip.mp4, from captions.jsonl ({"file": …, "caption": …}) or captions.csv
(file,caption), or from the names of the folders that clips lie in.

mutoscope data scan clips/"""


class ScanOptions(Config):
    """Which folder, and where the outcome goes."""

    dir: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
    """Folder with clips, also in folders below: mp4, mkv, webm, avi, mov, gif, webp, pictures, numbered pictures."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Manifest to write, with data.html beside it; it names files relative to itself. None = DIR/manifest.jsonl."""
    limit_s: Annotated[float, Field(gt=0)] = LIMIT_S
    """Seconds that decoding 500 frames of a file may take; then it is given up and reported."""
    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object, for scripts."""


def run(args: list[str]) -> int:
    """The verb's action. Exit code 0 even where files are broken: they were told."""
    options = parse(ScanOptions, args, "mutoscope data scan", DESCRIPTION)
    from ..data.manifest import PAGE, manifest_file, write_manifest
    from ..data.page import write_page
    from ..data.scan import scan

    out = options.out or options.dir
    out = manifest_file(out)
    if options.dir.is_dir():
        check_writable(out.parent)
    with Progress() as progress:
        found = scan(
            options.dir,
            out.parent,
            limit_s=options.limit_s,
            on_progress=lambda done, total: progress.update("scan", done, total),
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_manifest(out, found.entries)
    style = files("mutoscope.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    title, following = options.dir.resolve().name, next_command(out)
    write_page(found, out.parent / PAGE, title=title, style=style, command=following)
    told = summary(found, out)
    print(json.dumps(told, indent=1) if options.as_json else readable(told))
    if found.entries:
        say(f"next: {following}")
    return 0


def next_command(manifest: Path) -> str:
    """What to type after a scan or a split."""
    from ..data.manifest import MANIFEST

    source = manifest.parent if manifest.name == MANIFEST else manifest
    return shlex.join(["mutoscope", "train", "clips", "--data.folder", str(source)])


def summary(found: "Scan", out: Path) -> dict[str, Any]:
    """Everything that was found but the clips themselves, ready for JSON."""
    from ..data.manifest import PAGE
    from ..data.page import sizes
    from ..data.problems import by_reason

    return {
        "manifest": str(out),
        "page": str(out.parent / PAGE),
        "clips": len(found.entries),
        "seconds": round(found.duration_s, 3),
        "sizes": sizes(found.entries),
        "captions_missing": sum(not entry.caption for entry in found.entries),
        "left_out": by_reason(problem for problem in found.problems if not problem.kept),
        "notes": by_reason(problem for problem in found.problems if problem.kept),
        "other_files": found.num_others,
        "problems": [problem.model_dump() for problem in found.problems],
    }


def readable(told: dict[str, Any]) -> str:
    """The same for people, in a few lines."""
    from ..words import duration

    rows = [
        ("clips", f"{told['clips']:,}, {duration(told['seconds'], tenths=True)}"),
        ("sizes", ", ".join(f"{size} ({number:,})" for size, number in list(told["sizes"].items())[:5])),
        ("captions missing", f"{told['captions_missing']:,}"),
        ("left out", _counts(told["left_out"])),
        ("used, but look", _counts(told["notes"])),
        ("manifest", told["manifest"]),
        ("page", told["page"]),
    ]
    return "\n".join(f"{name:<17} {text}" for name, text in rows if text)


def _counts(by_reason: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in by_reason.items())
