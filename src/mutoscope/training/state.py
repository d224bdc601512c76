"""What a stage needs to go on: weights, optimizers, averages, precision, and where in the data it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from .checkpoint import load_newest, module_state, optimizer_state, restore_optimizer, save_checkpoint
from .config import StageConfig
from .ema import Ema
from .optim import build_optimizers
from .precision import ComputeCopy, fastest_dtype
from .task import Task


@dataclass
class State:
    """Everything that changes from step to step, and how it is kept."""

    compute: ComputeCopy
    optimizers: list[Optimizer]
    ema: Ema
    dtype: torch.dtype
    step: int = 0
    """Optimizer steps taken."""
    passed_over: int = 0
    """Batches that were asked for and gave no step, so far: the data go on behind them."""
    seconds: float = 0.0
    last_checkpoint: Path | None = None

    def save(self, folder: Path, stage: str) -> None:
        """Write a checkpoint of the step just done."""
        tensors: dict[str, Any] = {
            "masters": module_state(self.compute.masters),
            "ema": module_state(self.ema.modules),
            "optimizers": [optimizer_state(optimizer) for optimizer in self.optimizers],
            "dtype": str(self.dtype).removeprefix("torch."),
            "step": self.step,
            "passed_over": self.passed_over,
            "seconds": self.seconds,
        }
        self.last_checkpoint = save_checkpoint(folder, stage, self.step, tensors)

    def restore(self, path: Path, saved: dict[str, Any]) -> None:
        """Everything as it was when the checkpoint at `path` was written."""
        self.compute.masters.load_state_dict(saved["masters"])
        self.ema.modules.load_state_dict(saved["ema"])
        for optimizer, values in zip(self.optimizers, saved["optimizers"], strict=True):
            restore_optimizer(optimizer, values)
        self.step, self.seconds, self.passed_over = saved["step"], saved["seconds"], saved.get("passed_over", 0)
        self.last_checkpoint = path
        self.compute.push()


def start(
    task: Task, config: StageConfig, checkpoints: Path, on_notice: Callable[[str], None] = lambda line: None
) -> State:
    """The state to begin with: the newest sound checkpoint, or fresh optimizers and a measured choice of precision.

    ValueError where there are checkpoints, but none is sound.
    """
    found = load_newest(checkpoints, task.name, on_notice)
    dtype = choose_dtype(task, config) if found is None else getattr(torch, found[1]["dtype"])
    state = State(
        ComputeCopy(task.modules, dtype),
        build_optimizers(task.modules, config),
        Ema(task.modules, config.ema_decay),
        dtype,
    )
    if found is not None:
        state.restore(*found)
    else:  # saved at once, so that a run killed early goes on with the precision that was chosen for it
        state.compute.push()
        state.save(checkpoints, task.name)
    return state


def choose_dtype(task: Task, config: StageConfig) -> torch.dtype:
    """The dtype that the config names, or the faster one; checkpoints remember it, so a resumed run is the same run."""
    if config.precision == "auto":
        return fastest_dtype(lambda modules: task.loss(modules, range(config.batch_size)), task.modules)
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[config.precision]
