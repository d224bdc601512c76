"""How long it takes until something can happen, in fresh processes, in turns.

Command: python benchmarks/startup.py [--rounds 9]
"""

import subprocess
import sys

from timing import arguments, figure, in_turns, write

IMPORT_TARGET_S, HELP_TARGET_S = 0.3, 0.7


IMPORT = """import time, torch
begun = time.perf_counter()
import {}
print(time.perf_counter() - begun)"""


def running(*words: str):
    return lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True)


def beyond_torch(module: str) -> float:
    """Taken inside one process: the time that torch itself takes varies by more than ours."""
    done = subprocess.run([sys.executable, "-c", IMPORT.format(module)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    given = arguments(__doc__, rounds=9)
    works = {
        "mutoscope --help": running("-m", "mutoscope", "--help"),
        "mutoscope train demo --help": running("-m", "mutoscope", "train", "demo", "--help"),
        "mutoscope generate": running("-m", "mutoscope", "generate", "a red 7", "--out", "/tmp/startup.npy"),
    }
    seconds = in_turns(works, given.rounds)
    bare, whole = ([beyond_torch(name) for _ in range(given.rounds)] for name in ("mutoscope", "mutoscope.pipeline"))
    figures = [
        figure("import mutoscope, beyond import torch, s", bare, IMPORT_TARGET_S, True),
        figure("the first use of mutoscope.Pipeline, beyond import torch, s", whole),
        figure("mutoscope --help, s", seconds["mutoscope --help"], HELP_TARGET_S, True),
        figure("mutoscope train demo --help, s", seconds["mutoscope train demo --help"]),
        figure("mutoscope generate, one video, from the shell and back, s", seconds["mutoscope generate"]),
    ]
    write(given.out, "Start-up", "python benchmarks/startup.py", ["fresh processes, files in the disk cache"], figures)


if __name__ == "__main__":
    main()
