"""`mutoscope data pack DIR --out SHARDS`: the clips of a manifest in tar shards, for large sets and for web servers."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import tyro
from pydantic import Field

from ..config import Config
from .folders import check_writable
from .parse import parse, say
from .progress import Progress

DESCRIPTION = """Put the clips of a manifest into tar shards (WebDataset layout): a few large files instead of many
small ones, that training reads from a disk or, put on any web server, from its address. Files go in as they are, in
mixed order. Typed again after an interruption, it goes on.

mutoscope data pack clips/ --out shards/"""


class PackOptions(Config):
    """Which clips, and where the shards go."""

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
    """Folder with manifest.jsonl, or the manifest itself."""
    out: Annotated[Path, tyro.conf.arg(metavar="SHARDS")]
    """Folder for 000000.tar … and shards.json."""
    shard_mb: Annotated[float, Field(gt=0)] = 256
    """Most that a shard holds, MB (2**20 bytes); a larger file has one to itself."""
    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object, for scripts."""


def run(args: list[str]) -> int:
    """The verb's action."""
    options = parse(PackOptions, args, "mutoscope data pack", DESCRIPTION)
    from ..data.manifest import manifest_file, read_manifest
    from ..data.pack import pack

    entries = read_manifest(options.folder)
    manifest = manifest_file(options.folder)
    check_writable(options.out)
    with Progress() as progress:
        index = pack(
            entries,
            manifest.parent,
            options.out,
            round(options.shard_mb * 2**20),
            on_progress=lambda done, total: progress.update("pack", done, total),
        )
    told = {
        "shards": str(options.out),
        "files": len(index.shards),
        "train": sum(shard.num_clips for shard in index.shards if shard.split == "train"),
        "test": sum(shard.num_clips for shard in index.shards if shard.split == "test"),
        "bytes": sum(shard.num_bytes for shard in index.shards),
    }
    print(json.dumps(told, indent=1) if options.as_json else readable(told))
    say(f"next: {shlex.join(['mutoscope', 'train', 'clips', '--data.folder', str(options.out)])}")
    return 0


def readable(told: dict[str, Any]) -> str:
    """The same for people, in a few lines."""
    rows = [
        ("train", f"{told['train']:,} clips"),
        ("test", f"{told['test']:,} clips"),
        ("shards", f"{told['files']:,}, {told['bytes'] / 2**20:,.1f} MB, in {told['shards']}"),
    ]
    return "\n".join(f"{name:<17} {text}" for name, text in rows)
