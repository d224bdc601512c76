"""Memory for decoding a long video piece by piece, against a short one: a process each.

Command: python benchmarks/streaming.py [--rounds 3] [--frames 1025] [--short 33]

The VAE of the recipe `clips`, 64 x 64 frames, 4 latent frames at a time. What the process uses before it decodes
(Python, torch, weights) is taken off both.
"""

import subprocess
import sys

from timing import arguments, figure, ratios, write

TARGET = 1.2
CHILD = """
import sys, torch
from mutoscope.memory import peak_memory_mb
from mutoscope.recipes.clips import clips
from mutoscope.vae.build import build_autoencoder
from mutoscope.vae.model import latent_shape
torch.manual_seed(0)
config = clips().vae
vae = build_autoencoder(config).eval()
count = latent_shape(config, int(sys.argv[1]), 64, 64)[1]
before, frames = peak_memory_mb(), 0
def pieces():
    left = count
    while left:
        yield torch.randn(1, config.latent_channels, min(4, left), 8, 8)
        left -= min(4, left)
with torch.no_grad():
    for piece in vae.decode_stream(pieces()):
        frames += piece.shape[2]
assert frames == int(sys.argv[1]), frames
print(peak_memory_mb() - before)
"""


def peak(frames: int) -> float:
    done = subprocess.run([sys.executable, "-c", CHILD, str(frames)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    given = arguments(__doc__, rounds=3, frames=1025, short=33)
    long, short = (129, 17) if given.quick else (given.frames, given.short)
    rows = [(peak(long), peak(short)) for _ in range(given.rounds)]
    found, small = ([row[k] for row in rows] for k in (0, 1))
    figures = [
        figure(f"decoding {long} frames, MiB beyond the loaded model", found),
        figure(f"decoding {short} frames, MiB beyond the loaded model", small),
        figure(f"memory of {long} frames / {short} frames", ratios(found, small), TARGET, True),
    ]
    write(given.out, "Streaming decode", "python benchmarks/streaming.py", ["float32, batch 1, 64 x 64"], figures)


if __name__ == "__main__":
    main()
