"""What was measured of a run, as one table for every kind of evaluation."""

from pathlib import Path
from typing import Any

from pydantic_core import from_json

LONGEST = 200
"""Evaluations that are told; the newest."""


def evaluations(run: Path) -> list[dict[str, Any]]:
    """The newest first: {"at", "step", "measures": {"adherence.all.identity": {"value", "low", …}}}."""
    lines = _lines(run / "evaluations.jsonl") or _lines(run / "evaluation.json", whole=True)
    found = []
    for told in reversed(lines[-LONGEST:]):
        if found_here := measures(told):
            found.append({"at": told.get("at"), "step": told.get("step"), "measures": found_here})
    return found


def measures(told: Any, prefix: str = "") -> dict[str, dict[str, Any]]:
    """Every measured number inside, by where it stands; none in what is no evaluation."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in told.items() if isinstance(told, dict) else ():
        if isinstance(value, dict) and {"value", "ceiling", "floor"} <= value.keys():
            found[prefix + name] = value
        else:
            found |= measures(value, f"{prefix}{name}.")
    return found


def _lines(file: Path, whole: bool = False) -> list[Any]:
    try:
        data = file.read_bytes()
    except OSError:
        return []
    found = []
    for line in [data] if whole else data.splitlines():
        try:
            found.append(from_json(line))
        except ValueError:  # cut short by a kill
            continue
    return found
