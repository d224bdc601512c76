"""What lies in checkpoints/, read without torch: which ones are there, and whether they are as they were written."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from ..files import PART, crc32_of

CHECKPOINTS = "checkpoints"
"""Folder inside a run."""
TENSORS, RECORD = "state.safetensors", "state.json"
"""Files of a checkpoint."""
DAMAGED = "damaged-"
"""Begins the name of one that was set aside."""


def name_of(stage: str, step: int) -> str:
    """`vae-0000200`: sorted by name, they are sorted by step."""
    return f"{stage}-{step:07d}"


def half_of(path: Path) -> Path:
    """Where a checkpoint is while it is written or removed: under this name nobody takes it for one."""
    return path.with_name(f".{path.name}{PART}")


def step_of(path: Path) -> int:
    """Inverse of `name_of`."""
    return int(path.name.rpartition("-")[2])


def list_checkpoints(folder: Path, stage: str) -> list[Path]:
    """Complete checkpoints of a stage, oldest first."""
    return sorted(p for p in folder.glob(f"{stage}-*") if (p / RECORD).is_file())


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint such that a kill in between leaves no half of it that looks whole. OSError where it stays."""
    half = half_of(path)
    shutil.rmtree(half, ignore_errors=True)
    os.replace(path, half)
    shutil.rmtree(half)


def read_record(path: Path) -> dict[str, Any]:
    """state.json. OSError or ValueError where it cannot be read, or the tensors are not those it was written with."""
    record = json.loads((path / RECORD).read_text())
    if not isinstance(record, dict):
        raise ValueError(f"{RECORD} holds no record")
    for name, crc32 in _checksums(record).items():
        if crc32_of(path / name) != crc32:
            raise ValueError("its bytes have changed since they were written")
    return record


def _checksums(record: dict[str, Any]) -> dict[str, int]:
    """Of the other files; early checkpoints have one number for the only one, or none."""
    found = record.get("crc32", {})
    return found if isinstance(found, dict) else {TENSORS: found}


def is_sound(path: Path) -> bool:
    """Whether a checkpoint is certainly as it was written; early ones, without a checksum, cannot say."""
    try:
        return "crc32" in read_record(path)
    except (OSError, ValueError):
        return False
