"""What a run folder holds that nobody needs any more, and its removal.

Needed are: by a resume, the newest sound checkpoint of every stage and the latents encoded so far; by `generate`,
`evaluate` and `compare`, the model, its snapshots, the metrics, and the judges in cache/. Nothing behind a link is
touched, and nothing that training has not written.
"""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..files import PART
from .checkpoint_files import CHECKPOINTS, DAMAGED, is_sound, list_checkpoints, remove_checkpoint
from .config import RunConfig
from .lock import sole_use
from .metric_log import METRICS
from .run_folder import files_of, read_config
from .summary import SUMMARY, Summary, finished


@dataclass(frozen=True)
class Leftover:
    """A file or a folder that can go."""

    path: Path
    what: str
    """In words, as a plural."""
    num_bytes: int


def clean(run: Path) -> list[Leftover]:
    """Remove what `leftovers` finds and return it.

    ValueError or OSError, and nothing removed, where another process trains into the folder, or the run or its model
    cannot be read.
    """
    with sole_use(run):
        found = leftovers(run)
        for leftover in found:
            _remove(leftover.path)
        for folder in (run / CHECKPOINTS, run / "cache" / "latents"):
            if found and _is_folder(folder) and not any(folder.iterdir()):
                folder.rmdir()
    return found


def leftovers(run: Path, *, unverified: bool = False) -> list[Leftover]:
    """What can go from a run folder. ValueError or OSError where the run or its model cannot be read.

    Of a finished run: checkpoints, encoded clips and embedded captions. Of another: checkpoints older than the newest
    sound one of their stage. Of both: damaged checkpoints set aside, and what a kill left half written.
    unverified: take complete files for sound ones, at the speed of a directory listing and without torch.
    """
    config = read_config(run)
    if finished(config, run, Summary(run / SUMMARY)):
        if not unverified:
            check_model(run)
        found = [*_checkpoints(run, config), *_encoded(run)]
    else:
        found = _older(run, config, unverified)
    return [*found, *_damaged(run), *_half_written(run, config)]


def check_model(run: Path) -> None:
    """ValueError where the model of a run is not readable: then its checkpoints are what it can be made from again."""
    from ..model import VideoModel  # it loads torch

    VideoModel.load(run / "model")


def _checkpoints(run: Path, config: RunConfig) -> list[Leftover]:
    """All that training wrote, also incomplete ones."""
    name = re.compile(rf"({'|'.join(config.stages)})-\d+")
    return _those((path for path in _inside(run / CHECKPOINTS) if name.fullmatch(path.name)), "checkpoints")


def _older(run: Path, config: RunConfig, unverified: bool) -> list[Leftover]:
    """Than the newest sound one of their stage. A resume loads that one of every stage, also of those long done."""
    found, own = [], set(_inside(run / CHECKPOINTS))
    for stage in config.stages:
        there = [path for path in list_checkpoints(run / CHECKPOINTS, stage) if path in own]
        newest = next((path for path in reversed(there) if len(there) > 1 and (unverified or is_sound(path))), None)
        found += [path for path in there if newest is not None and path < newest]
    return _those(found, "older checkpoints")


def _damaged(run: Path) -> list[Leftover]:
    there = (path for path in _inside(run / CHECKPOINTS) if path.name.startswith(DAMAGED))
    return _those(there, "damaged checkpoints")


def _encoded(run: Path) -> list[Leftover]:
    """What only the diffusion stage reads of cache/. Judges stay: evaluate would have to train them again."""
    if not _is_folder(run / "cache"):
        return []
    shard = re.compile(r"\d+\.safetensors|index\.json")
    latents = [path for path in _inside(run / "cache" / "latents") if shard.fullmatch(path.name)]
    texts = [path for path in _inside(run / "cache") if path.name == "text.safetensors"]
    return [*_those(latents, "latents"), *_those(texts, "embedded captions")]


def _half_written(run: Path, config: RunConfig) -> list[Leftover]:
    """By training alone: it has the folder to itself, so nobody writes these any more. `evaluate` asks for no lock."""
    half = re.compile(rf"\.({'|'.join(config.stages)})-\d+{re.escape(PART)}")
    found = [path for path in _inside(run / CHECKPOINTS) if half.fullmatch(path.name)]
    folders = [run / "model", *(_inside(run / "snapshots"))]
    if _is_folder(run / "cache"):
        folders.append(run / "cache" / "latents")
        found += [path for path in _inside(run / "cache") if path.name == f"text.safetensors{PART}"]
    found += [path for folder in folders for path in _inside(folder) if path.name.endswith(PART)]
    found += [path for path in _inside(run) if path.name in (f"{SUMMARY}{PART}", f"{METRICS}{PART}")]
    return _those(found, "half-written files")


def _those(paths: Iterable[Path], what: str) -> list[Leftover]:
    return [Leftover(path, what, _bytes_of(path)) for path in paths]


def _inside(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, but no links; nothing where the folder is one itself or is not there."""
    return sorted(path for path in folder.iterdir() if not path.is_symlink()) if _is_folder(folder) else []


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _bytes_of(path: Path) -> int:
    return sum(file.lstat().st_size for file in ([path] if path.is_file() else files_of(path)))


def _remove(path: Path) -> None:
    if path.is_file():
        path.unlink()
    elif path.name.startswith((".", DAMAGED)):
        shutil.rmtree(path)
    else:  # a resume would take it for a whole one
        remove_checkpoint(path)
