"""What the benchmarks share: work timed in turns, so that a drift of the machine meets all of it, and its JSON."""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import torch

from mutoscope.cli.machine import processor

MATMUL = 1024


def options(description: str | None, **defaults: int) -> argparse.ArgumentParser:
    """--rounds and other numbers, --quick for tiny shapes, --out for a JSON file; see `arguments`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--quick", action="store_true", help="tiny shapes and one round: does it run at all")
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the figures")
    return parser


def arguments(description: str | None, **defaults: int) -> argparse.Namespace:
    """What was typed behind a benchmark that has the usual options."""
    return parsed(options(description, **defaults))


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; --quick is one round."""
    given = parser.parse_args()
    if given.quick:
        given.rounds = 1
    return given


def seconds_of(work: Callable[[], object]) -> float:
    """One call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def in_turns(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each, `rounds` times in turns, after one call of each that does not count."""
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            seconds[name].append(seconds_of(work))
    return seconds


def ratios(numerator: list[float], denominator: list[float]) -> list[float]:
    """Of the values of one round each."""
    return [a / b for a, b in zip(numerator, denominator, strict=True)]


def matmul_seconds(dtype: torch.dtype = torch.bfloat16) -> Callable[[], object]:
    """Work: a square product of 2 * MATMUL^3 operations."""
    square = torch.ones(MATMUL, MATMUL, dtype=dtype)
    return lambda: square @ square


def spread(values: list[float]) -> str:
    """For people."""
    return f"min {min(values):8.3f}  median {statistics.median(values):8.3f}  max {max(values):8.3f}"


def figure(name: str, values: list[float], target: float | None = None, at_most: bool = False) -> dict[str, Any]:
    """A line of docs/performance.md: min, median and max of what was measured, and what is aimed for."""
    median = statistics.median(values)
    met = None if target is None else (median <= target if at_most else median >= target)
    print(f"{name:<72}{spread(values)}" + ("" if met is None else f"  {'<=' if at_most else '>='} {target:g}: {met}"))
    return {
        "name": name,
        "min": min(values),
        "median": median,
        "max": max(values),
        "rounds": len(values),
        "target": target,
        "at_most": at_most,
        "met": met,
    }


def write(out: Path | None, title: str, command: str, notes: list[str], figures: list[dict[str, Any]]) -> None:
    """What a benchmark found, with the machine and the day."""
    for note in notes:
        print(note)
    if out is not None:
        told = {
            "title": title,
            "command": command,
            "machine": f"{processor()['name']}, {processor()['cores']} cores, {torch.get_num_threads()} threads",
            "python": platform.python_version(),
            "torch": torch.__version__,
            "date": date.today().isoformat(),
            "notes": notes,
            "figures": figures,
        }
        out.write_text(json.dumps(told, indent=1))
