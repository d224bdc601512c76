"""`mutoscope doctor`: what this machine can do, what runs fast here, what is missing and what to type."""

import json
import platform
from pathlib import Path
from typing import Annotated, Any

import tyro

from .. import __version__
from ..config import Config
from . import machine
from .parse import parse

DESCRIPTION = "Look at this machine: device, cores, bf16 and AMX, memory, versions, what runs fast, what is missing."
PACKAGED_WEIGHTS = Path(__file__).parents[1] / "packaged" / "weights.safetensors"
LOW_MEMORY_GIB = 4.0  # what `make demo` may take


class DoctorOptions(Config):
    """How to print it."""

    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object, for scripts and bug reports."""


def run(args: list[str]) -> int:
    """The verb. Exit code 0 even where something is missing: it was told."""
    options = parse(DoctorOptions, args, "mutoscope doctor", DESCRIPTION)
    facts = gather()
    print(json.dumps(facts, indent=1) if options.as_json else readable(facts))
    return 0


def gather() -> dict[str, Any]:
    """Everything found, ready for JSON."""
    facts: dict[str, Any] = {
        "mutoscope": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": machine.processor(),
        "memory": machine.memory(),
        "versions": machine.versions(),
        "encoders": machine.encoders(),
        "text_encoders": machine.text_encoders(),
        "packaged_model": PACKAGED_WEIGHTS.is_file(),
    }
    if facts["versions"]["torch"]:
        facts["device"] = machine.device()
        facts["gflops"] = machine.speed()
        facts["precision"] = machine.faster_precision(facts["gflops"])
    return facts | {"missing": missing(facts)}


def missing(facts: dict[str, Any]) -> list[dict[str, str]]:
    """What is missing, what it is for, and what to type."""
    found = [
        {"what": name, "why": "needed", "type": f"pip install {name}"}
        for name, installed in facts["versions"].items()
        if installed is None
    ]
    for suffix, available in facts["encoders"].items():
        if not available:
            why = f"{suffix} files cannot be written; gif, webp, png and npy can"
            found.append({"what": f"{suffix} encoder", "why": why, "type": "pip install --force-reinstall av"})
    if not facts["packaged_model"]:
        why = "generate needs --model RUN until it is there"
        found.append({"what": "packaged model", "why": why, "type": "mutoscope train demo --out runs/demo"})
    free = facts["memory"]["free_gib"]
    if free is not None and free < LOW_MEMORY_GIB:
        why = f"{free} GiB are free, training the demo may take {LOW_MEMORY_GIB:g}"
        found.append({"what": "memory", "why": why, "type": "close other programs, or a smaller --training.batch-size"})
    return found


def readable(facts: dict[str, Any]) -> str:
    """The same for people."""
    processor, memory = facts["processor"], facts["memory"]
    flags = "  ".join(f"{name} {_yes(there)}" for name, there in processor["flags"].items())
    rows = [
        ("mutoscope", f"{facts['mutoscope']}, Python {facts['python']}, {facts['system']}"),
        ("processor", f"{processor['name']}, {processor['cores']} cores"),
        ("", flags),
        ("memory", f"{memory['total_gib']} GiB, {memory['free_gib']} GiB free"),
        ("packages", ", ".join(f"{name} {number or 'MISSING'}" for name, number in facts["versions"].items())),
    ]
    if "device" in facts:
        device = facts["device"]
        told = f"{device['name']}, {device['threads']} threads, {device['capability']}"
        rows.append(("device", f"{told}, bf16 kernels {_yes(device['bf16_kernels'])}"))
        for job, rates in facts["gflops"].items():
            told = ", ".join(f"{name} {rate:g} GFLOP/s" for name, rate in rates.items())
            rows.append((job, told))
        rows.append(("fast here", f"{facts['precision']} (training measures it itself with --training.precision auto)"))
    writes = ", ".join(suffix for suffix, available in facts["encoders"].items() if available)
    rows += [
        ("writes", writes),
        ("pretrained text", _pretrained_text(facts["text_encoders"])),
        ("packaged model", _yes(facts["packaged_model"])),
    ]
    lines = [f"{name:<15} {text}" for name, text in rows]
    if not facts["missing"]:
        return "\n".join([*lines, "", "nothing is missing."])
    told = [f"  {row['what']}: {row['why']}.\n    {row['type']}" for row in facts["missing"]]
    return "\n".join([*lines, "", "missing:", *told])


def _pretrained_text(available: dict[str, bool]) -> str:
    """Optional, so it is told here and not among what is missing."""
    there = ", ".join(source for source, ready in available.items() if ready)
    lacking = "" if all(available.values()) else "pip install 'mutoscope[minilm]' for all of them"
    return "; ".join(words for words in (there, lacking) if words)


def _yes(there: bool) -> str:
    return "yes" if there else "no"
