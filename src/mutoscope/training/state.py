"""What a stage needs to go on: weights, optimizers, averages, precision, and where in the data it is."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..processes import ALONE, Processes
from .checkpoint import (
    flatten,
    load_checkpoint,
    load_newest,
    module_state,
    optimizer_state,
    restore_module,
    restore_optimizer,
    save_checkpoint,
)
from .config import StageConfig
from .distributed import PLAIN, Engine, TaskLoss, prepare_blocks, replicated, shard_like, sharded
from .ema import Ema
from .optim import build_optimizers
from .precision import ComputeCopy, fastest_dtype
from .sharded_checkpoint import ShardedWriter, read_parts
from .task import Task


@dataclass
class State:
    """Everything that changes from step to step, and how it is kept."""

    loss: nn.Module
    """(first, stop) -> losses of these examples, this process's part of a batch; see `TaskLoss`."""
    compute: ComputeCopy
    optimizers: list[Optimizer]
    ema: Ema
    dtype: torch.dtype
    engine: Engine
    step: int = 0
    """Optimizer steps taken."""
    passed_over: int = 0
    """Batches that were asked for and gave no step, so far: the data go on behind them."""
    seconds: float = 0.0
    writer: ShardedWriter | None = None
    """Of checkpoints in parts; None where one process writes them whole."""
    last_checkpoint: Path | None = None

    def examples(self, config: StageConfig, micro: int = 0) -> range:
        """Numbers of the next step's examples, of one micro-batch."""
        first = ((self.step + self.passed_over) * config.grad_accum + micro) * config.batch_size
        return range(first, first + config.batch_size)

    def save(self, folder: Path, stage: str) -> None:
        """Write a checkpoint of the step just done; every process must call it.

        Where each has a part of the weights, each writes its own part, while training goes on: see `flush`.
        """
        processes, gather = self.engine.processes, self.writer is None
        saved: dict[str, Any] = {
            "masters": module_state(self.compute.masters, gather),
            "ema": module_state(self.ema.modules, gather),
            "optimizers": [optimizer_state(optimizer, gather) for optimizer in self.optimizers],
            "dtype": str(self.dtype).removeprefix("torch."),
            "step": self.step,
            "passed_over": self.passed_over,
            "seconds": self.seconds,
        }
        if self.writer is not None:
            self.last_checkpoint = self.writer.save(folder, stage, self.step, saved)
            return
        if processes.first:
            self.last_checkpoint = save_checkpoint(folder, stage, self.step, saved)
        self.last_checkpoint = processes.from_first(self.last_checkpoint)

    def flush(self) -> None:
        """Wait until the last checkpoint is complete; what went wrong with it is raised here."""
        if self.writer is not None:
            self.writer.flush()

    def averaged(self, task: Task) -> nn.ModuleDict:
        """The averaged modules, whole; every process must ask."""
        if not self.engine.fsdp:
            return self.ema.modules
        modules = copy.deepcopy(task.modules).requires_grad_(False)
        modules.load_state_dict(module_state(self.ema.modules))
        return modules

    def restore(self, path: Path, saved: dict[str, Any]) -> None:
        """Everything as it was when the checkpoint at `path` was written."""
        saved = read_parts(path, saved, self._patterns())
        restore_module(self.compute.masters, saved["masters"])
        restore_module(self.ema.modules, saved["ema"])
        for optimizer, values in zip(self.optimizers, saved["optimizers"], strict=True):
            restore_optimizer(optimizer, values)
        self.step, self.seconds, self.passed_over = saved["step"], saved["seconds"], saved.get("passed_over", 0)
        self.last_checkpoint = path
        self.compute.push()

    def _patterns(self) -> dict[str, Tensor]:
        """By path in a checkpoint, how this process divides tensors; states of an optimizer like its parameters."""
        found: dict[str, Tensor] = {}
        parameters = [[p for group in optimizer.param_groups for p in group["params"]] for optimizer in self.optimizers]
        modules = {"masters": self.compute.masters.state_dict(), "ema": self.ema.modules.state_dict()}
        flatten({**modules, "optimizers": parameters}, "", found)
        return found


def start(
    task: Task,
    config: StageConfig,
    checkpoints: Path,
    on_notice: Callable[[str], None] = lambda line: None,
    engine: Engine = PLAIN,
) -> State:
    """The state to begin with: the newest sound checkpoint, or fresh optimizers and a measured choice of precision.

    ValueError where there are checkpoints, but none is sound.
    """
    found, processes = newest(checkpoints, task.name, engine.processes, on_notice), engine.processes
    dtype = choose_dtype(task, config, processes) if found is None else getattr(torch, found[1]["dtype"])
    if engine.fsdp:
        loss, masters = sharded(task, dtype, engine)
        compute, averaged = ComputeCopy(masters, torch.float32), copy.deepcopy(task.modules)
        shard_like(averaged, masters)
        ema = Ema(masters, config.ema_decay, averaged)
    else:
        compute, ema = ComputeCopy(task.modules, dtype), Ema(task.modules, config.ema_decay)
        prepare_blocks(compute.modules, engine)
        loss = replicated(TaskLoss(task, compute.modules), processes)
    state = State(loss, compute, build_optimizers(compute.masters, config), ema, dtype, engine)
    state.writer = ShardedWriter(processes) if engine.fsdp else None
    if found is not None:
        state.restore(*found)
    else:  # saved at once, so that a run killed early goes on with the precision that was chosen for it
        state.compute.push()
        state.save(checkpoints, task.name)
    return state


def newest(
    folder: Path, stage: str, processes: Processes, on_notice: Callable[[str], None]
) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint to go on from and its state. One process chooses, so that only one sets damaged ones aside."""
    found = load_newest(folder, stage, on_notice) if processes.first else None
    path = processes.from_first(found and found[0])
    if processes.first or path is None:
        return found
    return path, load_checkpoint(path)


def choose_dtype(task: Task, config: StageConfig, processes: Processes = ALONE) -> torch.dtype:
    """The dtype that the config names, or the faster one; checkpoints remember it, so a resumed run is the same run."""
    if config.precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[config.precision]
    indices = processes.part(range(config.batch_size))
    return processes.from_first(fastest_dtype(lambda modules: task.loss(modules, indices), task.modules))
