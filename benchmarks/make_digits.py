"""Make the digits inside the package from scikit-learn's copy of the UCI set.

Run once, from the repository root, with scikit-learn installed:  python benchmarks/make_digits.py
Writes src/mutoscope/data/assets/digits.safetensors; the licence stands beside it in LICENSE-digits.txt.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[1] / "src/mutoscope/data/assets/digits.safetensors"
TEST_EVERY = 5


def main() -> None:
    """Store images (n, 8, 8) with values 0 to 16, labels and the split: every fifth drawing of each class is test."""
    digits = load_digits()
    labels = digits.target.astype(np.uint8)
    is_test = np.zeros(len(labels), np.uint8)
    for label in range(10):
        is_test[np.flatnonzero(labels == label)[TEST_EVERY - 1 :: TEST_EVERY]] = 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    save_file({"images": digits.images.astype(np.uint8), "labels": labels, "is_test": is_test}, TARGET)


if __name__ == "__main__":
    main()
