"""How long it takes until something can happen, in fresh processes, in turns.

Command: python benchmarks/startup.py [--rounds 9]
"""

import subprocess
import sys

from timing import arguments, figure, in_turns, write

IMPORT_TARGET_S, HELP_TARGET_S = 0.3, 0.7


def running(*words: str):
    return lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True)


def main() -> None:
    given = arguments(__doc__, rounds=9)
    works = {
        "import torch": running("-c", "import torch"),
        "import mutoscope and torch": running("-c", "import torch, mutoscope, mutoscope.pipeline"),
        "mutoscope --help": running("-m", "mutoscope", "--help"),
        "mutoscope train demo --help": running("-m", "mutoscope", "train", "demo", "--help"),
        "mutoscope generate": running("-m", "mutoscope", "generate", "a red 7", "--out", "/tmp/startup.npy"),
    }
    seconds = in_turns(works, given.rounds)
    pairs = zip(seconds["import mutoscope and torch"], seconds["import torch"], strict=True)
    figures = [
        figure(
            "import mutoscope and its pipeline, beyond import torch, s",
            [a - b for a, b in pairs],
            IMPORT_TARGET_S,
            True,
        ),
        figure("mutoscope --help, s", seconds["mutoscope --help"], HELP_TARGET_S, True),
        figure("mutoscope train demo --help, s", seconds["mutoscope train demo --help"]),
        figure("mutoscope generate, one video, from the shell and back, s", seconds["mutoscope generate"]),
    ]
    write(given.out, "Start-up", "python benchmarks/startup.py", ["fresh processes, files in the disk cache"], figures)


if __name__ == "__main__":
    main()
