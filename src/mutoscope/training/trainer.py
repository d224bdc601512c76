"""The training loop of every stage. It knows no video, text or VAE: a task says what the loss is."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from .checkpoint import (
    list_checkpoints,
    load_checkpoint,
    module_state,
    optimizer_state,
    restore_optimizer,
    save_checkpoint,
)
from .config import StageConfig
from .ema import Ema
from .optim import build_optimizers, finite_gradients, learning_rate, set_learning_rate
from .precision import ComputeCopy, fastest_dtype
from .task import Task

OnStep = Callable[[str, int, int, float], None]
"""Called after every step with (stage, steps done, steps in all, loss)."""
Hook = tuple[int, Callable[[nn.ModuleDict, int], None]]
"""(every so many steps, function of the averaged modules and the step)."""


class Interrupted(Exception):
    """The run was asked to stop, and has saved where it was."""


class NonFiniteLoss(ValueError):
    """The loss or a gradient is NaN or infinite; the step was not taken."""


@dataclass
class State:
    """Everything that a stage needs to go on."""

    compute: ComputeCopy
    optimizers: list[Optimizer]
    ema: Ema
    dtype: torch.dtype
    step: int = 0
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
            "seconds": self.seconds,
        }
        self.last_checkpoint = save_checkpoint(folder, stage, self.step, tensors)


def start(task: Task, config: StageConfig, checkpoints: Path) -> State:
    """The state to begin with: the newest checkpoint, or fresh optimizers and a measured choice of precision."""
    found = list_checkpoints(checkpoints, task.name)
    saved = load_checkpoint(found[-1]) if found else None
    dtype = choose_dtype(task, config) if saved is None else getattr(torch, saved["dtype"])
    if saved is not None:
        task.modules.load_state_dict(saved["masters"])
    state = State(
        ComputeCopy(task.modules, dtype),
        build_optimizers(task.modules, config),
        Ema(task.modules, config.ema_decay),
        dtype,
    )
    if saved is not None:
        state.ema.modules.load_state_dict(saved["ema"])
        for optimizer, values in zip(state.optimizers, saved["optimizers"], strict=True):
            restore_optimizer(optimizer, values)
        state.step, state.seconds, state.last_checkpoint = saved["step"], saved["seconds"], found[-1]
    state.compute.push()
    if saved is None:  # at once, so that a run killed early goes on with the precision that was chosen for it
        state.save(checkpoints, task.name)
    return state


def choose_dtype(task: Task, config: StageConfig) -> torch.dtype:
    """The dtype that the config names, or the faster one; checkpoints remember it, so a resumed run is the same run."""
    if config.precision == "auto":
        return fastest_dtype(lambda modules: task.loss(modules, range(config.batch_size)), task.modules)
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[config.precision]


def train_step(task: Task, state: State, config: StageConfig) -> dict[str, float]:
    """One optimizer step over `grad_accum` micro-batches; numbers for the log. Nothing changes if it is not finite."""
    total = 0.0
    task.modules.zero_grad(set_to_none=True)
    for micro in range(config.grad_accum):
        first = (state.step * config.grad_accum + micro) * config.batch_size
        loss = task.loss(state.compute.modules, range(first, first + config.batch_size)).mean() / config.grad_accum
        loss.backward()
        state.compute.pull_gradients()
        total += float(loss.detach())
    norm = float(finite_gradients(task.modules, config.max_grad_norm))
    if not (math.isfinite(total) and math.isfinite(norm)):
        raise NonFiniteLoss(
            f"{task.name}: loss {total}, gradient norm {norm} at step {state.step + 1}; last good checkpoint: "
            f"{state.last_checkpoint or 'none yet'}. Try a lower learning rate, or precision float32."
        )
    rate = learning_rate(state.step, config)
    set_learning_rate(state.optimizers, rate)
    for optimizer in state.optimizers:
        optimizer.step()
    state.ema.update(state.step)
    state.compute.push()
    state.step += 1
    return {"loss": total, "grad_norm": norm, "lr": rate}


def fit(
    task: Task,
    config: StageConfig,
    run: Path,
    hooks: Sequence[Hook] = (),
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> State:
    """Train a stage to its last step, from its newest checkpoint; `run` is the run folder."""
    state = start(task, config, run / "checkpoints")
    rows, begun = MetricLog(run / "metrics.jsonl", task.name, state.step), time.perf_counter() - state.seconds
    while state.step < config.steps:
        metrics = train_step(task, state, config)
        state.seconds = time.perf_counter() - begun
        last = state.step == config.steps
        if state.step % config.log_every == 0 or state.step == 1 or last:
            rows.write({"step": state.step, **metrics, "seconds": state.seconds})
        if on_step is not None:
            on_step(task.name, state.step, config.steps, metrics["loss"])
        for period, hook in hooks:
            if period and (state.step % period == 0 or last):
                hook(state.ema.modules, state.step)
        stopping = not last and should_stop()
        if state.step % config.checkpoint_every == 0 or last or stopping:
            state.save(run / "checkpoints", task.name)
        if stopping:
            raise Interrupted(f"{task.name} stopped after step {state.step} of {config.steps}")
    return state


@dataclass
class MetricLog:
    """metrics.jsonl: one row per line; rows after the step we resume from are dropped, so no step stands twice."""

    path: Path
    stage: str
    step: int

    def __post_init__(self) -> None:
        if self.path.exists():
            lines = self.path.read_text().splitlines()
            kept = [line for line in lines if self._stays(line)]
            if kept != lines:
                self.path.write_text("".join(line + "\n" for line in kept))

    def write(self, row: dict[str, Any]) -> None:
        """Append one row."""
        with self.path.open("a") as file:
            file.write(json.dumps({"stage": self.stage, **row}) + "\n")

    def _stays(self, line: str) -> bool:
        try:
            row = json.loads(line)
        except ValueError:  # a line cut short by a kill
            return False
        return row["stage"] != self.stage or row["step"] <= self.step
