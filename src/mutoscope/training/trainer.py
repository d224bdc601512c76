"""The training loop of every stage. It knows no video, text or VAE: a task says what the loss is."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from torch import nn
from torch.profiler import record_function

from .callbacks import SILENT, Callbacks
from .checkpoint_files import CHECKPOINTS
from .config import StageConfig
from .distributed import PLAIN, Engine
from .metric_log import METRICS, MetricLog
from .optim import finite_gradients, learning_rate, set_learning_rate
from .recovery import NonFiniteLoss, Recovery
from .state import State, start
from .task import Task
from .throughput import Meter

PARTS = ("data and forward", "backward", "optimizer", "average")
"""Of a step, as a profiler shows them."""
Hook = tuple[int, Callable[[nn.ModuleDict, int], None]]
"""(every so many steps, function of the averaged modules and the step)."""


class Interrupted(Exception):
    """The run was asked to stop, and has saved where it was."""


def train_step(task: Task, state: State, config: StageConfig) -> dict[str, float]:
    """One optimizer step over `grad_accum` micro-batches; numbers for the log. Nothing changes if it is not finite."""
    sums = []
    state.compute.masters.zero_grad(set_to_none=True)
    for micro in range(config.grad_accum):
        own = state.engine.processes.part(state.examples(config, micro))
        with record_function(PARTS[0]):
            loss = state.loss(own.start, own.stop).mean() / config.grad_accum
        with record_function(PARTS[1]):
            loss.backward()
            state.compute.pull_gradients()
        sums.append(loss.detach())
    total = state.engine.processes.mean(sum(float(part) for part in sums))  # asked for last: a GPU is not waited for
    norm = float(finite_gradients(state.compute.masters, config.max_grad_norm))
    if not (math.isfinite(total) and math.isfinite(norm)):
        raise NonFiniteLoss(f"{task.name}: loss {total}, gradient norm {norm} at step {state.step + 1}")
    rate = learning_rate(state.step, config)
    with record_function(PARTS[2]):
        set_learning_rate(state.optimizers, rate)
        for optimizer in state.optimizers:
            optimizer.step()
    with record_function(PARTS[3]):
        state.ema.update(state.step)
        state.compute.push()
    state.step += 1
    return {"loss": total, "grad_norm": norm, "lr": rate}


def fit(
    task: Task,
    config: StageConfig,
    run: Path,
    hooks: Sequence[Hook] = (),
    callbacks: Callbacks = SILENT,
    engine: Engine = PLAIN,
) -> State:
    """Train a stage to its last step, from its newest sound checkpoint; `run` is the run folder.

    NonFiniteLoss where neither other batches nor going back helped (see `Recovery`).
    """
    checkpoints, on_notice = run / CHECKPOINTS, callbacks.on_notice
    state = start(task, config, checkpoints, on_notice, engine)
    recovery, log = Recovery(checkpoints, task.name, on_notice), run / METRICS
    rows = MetricLog(log, task.name, state.step, engine.processes.first)
    meter, begun = Meter(task, config, state), time.perf_counter() - state.seconds
    try:
        while state.step < config.steps:
            try:
                with meter.step:
                    metrics = train_step(task, state, config)
            except NonFiniteLoss as error:
                before = state.step
                recovery.recover(state, error)
                if state.step < before:
                    rows = MetricLog(log, task.name, state.step, engine.processes.first)
                continue
            recovery.good_step()
            state.seconds = time.perf_counter() - begun
            last = state.step == config.steps
            if state.step % config.log_every == 0 or state.step == 1 or last:
                speed = meter.read()
                rows.write({"step": state.step, **metrics, "seconds": state.seconds, **asdict(speed)})
                callbacks.on_speed(task.name, speed)
            callbacks.on_step(task.name, state.step, config.steps, metrics["loss"])
            due = [hook for period, hook in hooks if period and (state.step % period == 0 or last)]
            if due:
                averaged = state.averaged(task)
                for hook in due:
                    hook(averaged, state.step)
            stopping = not last and callbacks.should_stop()
            if state.step % config.checkpoint_every == 0 or last or stopping:
                state.save(checkpoints, task.name)
            if stopping:
                raise Interrupted(f"{task.name} stopped after step {state.step} of {config.steps}")
    finally:
        state.flush()
    return state
