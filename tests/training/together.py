"""Starts a function of a test in several processes that train together, as torchrun would."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import mutoscope

HERE = Path(__file__).parent
PATHS = json.dumps([str(HERE), str(HERE.parent), str(Path(str(mutoscope.__file__)).parent.parent)])
CHILD = """
import importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
import torch
torch.set_num_threads(1)
from mutoscope.processes import joined
from mutoscope.training.distributed import Engine
module, name, fsdp, *args = sys.argv[2:]
with joined() as processes:
    getattr(importlib.import_module(module), name)(Engine(processes, fsdp == "1"), *args)
"""


def surroundings(count: int, rank: int) -> dict[str, str]:
    """What torchrun tells a process about the others."""
    return {"WORLD_SIZE": str(count), "RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def run_together(count: int, module: str, name: str, *args: object, fsdp: bool = False) -> None:
    """`module.name(engine, *args)` in each of `count` processes; AssertionError with what they said if one fails."""
    command = [sys.executable, "-c", CHILD, PATHS, module, name, str(int(fsdp)), *map(str, args)]
    shared = os.environ | {"MASTER_PORT": free_port(), "OMP_NUM_THREADS": "1"}
    children = [
        subprocess.Popen(
            command,
            env=shared | surroundings(count, rank),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(count)
    ]
    said = [child.communicate(timeout=240)[0] for child in children]
    assert all(child.returncode == 0 for child in children), "\n".join(said)
