"""For the whole suite: one thread per worker, and the helper modules of tests/ importable."""

import os
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

if "PYTEST_XDIST_WORKER" in os.environ:  # several workers with several threads each are slower than either
    torch.set_num_threads(1)
