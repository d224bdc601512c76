"""Put a trained run inside the package, in half precision: the model that `mutoscope generate` uses by default.

Command: python benchmarks/package_model.py runs/packaged

Sampling settings are those of the recipe `packaged` as it stands, since they may be tuned after training.
"""

import sys
from pathlib import Path

import torch

from mutoscope.model import VideoModel
from mutoscope.pipeline import PACKAGED_MODEL
from mutoscope.recipes.packaged import packaged


def main() -> None:
    model = VideoModel.load(Path(sys.argv[1]) / "model")
    model.config = model.config.model_copy(update={"sampling": packaged().sampling})
    model.save(PACKAGED_MODEL, torch.float16)
    for file in PACKAGED_MODEL.iterdir():
        file.chmod(0o644)  # the weights library writes files that only their owner can read
    size = sum(file.stat().st_size for file in PACKAGED_MODEL.iterdir())
    print(f"{PACKAGED_MODEL}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
