"""What it costs that several processes train one model: examples per second of 2 processes of one thread each against
one process with both threads.

Command: python benchmarks/together.py [--rounds 3] [--steps 20]

The diffusion stage of the demo, of equal batch; 2 processes talk through gloo, with DDP and with FSDP2. Each run is a
launch of its own; its speed is that of the last lines of its log, after the steps that warm up.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import arguments, figure, ratios, write

KINDS = {"1 process": (1, ()), "2 processes, DDP": (2, ()), "2 processes, FSDP2": (2, ("--fsdp",))}


def clips_per_second(count: int, options: tuple[str, ...], steps: int, recipe: str) -> float:
    """Of the diffusion stage."""
    words = ["-m", "mutoscope", "train", recipe, *options, "--training.steps", str(steps), "--vae-training.steps", "1"]
    words += ["--training.log-every", "5", "--cached-clips", "64", "--sample-every", "0", "--training.precision"]
    words += ["bfloat16" if recipe == "demo" else "float32", "--vae-training.precision", "float32"]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)] if count > 1 else []
    threads = str(max(1, len(os.sched_getaffinity(0)) // count))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *torchrun, *words, "--out", f"{folder}/run"]
        environment = os.environ | {"OMP_NUM_THREADS": threads}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        rows = [json.loads(line) for line in Path(folder, "run", "metrics.jsonl").read_text().splitlines()]
    speeds = [row["examples_per_s"] for row in rows if row["stage"] == "diffusion" and row["step"] > 5]
    return statistics.median(speeds)


def main() -> None:
    given = arguments(__doc__, rounds=3, steps=20)
    recipe, steps = ("smoke", 15) if given.quick else ("demo", given.steps)
    found: dict[str, list[float]] = {name: [] for name in KINDS}
    for _ in range(given.rounds):
        for name, (count, options) in KINDS.items():
            found[name].append(clips_per_second(count, options, steps, recipe))
    figures = [figure(f"{name}, clips/s", values) for name, values in found.items()]
    alone = found["1 process"]
    figures += [figure(f"{name} / 1 process", ratios(values, alone)) for name, values in found.items() if "2" in name]
    notes = [f"recipe {recipe}, equal batch and cores: 1 process has all threads, 2 have half of them each"]
    write(given.out, "Two processes", "python benchmarks/together.py", notes, figures)


if __name__ == "__main__":
    main()
