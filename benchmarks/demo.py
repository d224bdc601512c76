"""Time, memory and quality of `make demo`, after installation.

Command: python benchmarks/demo.py [--out runs/demo-benchmark]

Runs the two commands of `make demo` in a fresh run folder and prints each one's wall-clock, the largest resident set of
any of its processes, and the quality that `evaluate` measured, with ceilings.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path


def timed(*command: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mutoscope", *command], check=True)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/demo-benchmark"))
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    train = timed("train", "demo", "--out", str(out))
    evaluate = timed("evaluate", str(out))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    result = json.loads((out / "evaluation.json").read_text())
    print(f"train {train:.0f} s, evaluate {evaluate:.0f} s, together {(train + evaluate) / 60:.2f} min (limit 10)")
    print(f"peak memory {peak:.2f} GiB (limit 4)")
    for name, group in result["adherence"].items():
        correct = group["all_correct"]
        share = correct["value"] / correct["ceiling"]
        print(f"all correct, {name}: {correct['value']:.3f} of ceiling {correct['ceiling']:.3f} = {share:.1%}")
    psnr = result["reconstruction"]["psnr"]
    print(f"VAE on unseen clips: {psnr['value']:.2f} dB PSNR (a blank clip: {psnr['floor']:.2f})")


if __name__ == "__main__":
    main()
