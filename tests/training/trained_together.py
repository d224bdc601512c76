"""What the processes of test_distributed.py do, and one process does to compare."""

import copy
from contextlib import suppress
from pathlib import Path

from regression_task import Regression, stage
from torch import save

from mutoscope.training.callbacks import Callbacks
from mutoscope.training.checkpoint import load_checkpoint, module_state, optimizer_state
from mutoscope.training.distributed import Engine
from mutoscope.training.state import start
from mutoscope.training.trainer import Interrupted, fit, train_step


def train(engine: Engine, folder: str, optimizer: str, precision: str, stop: str = "50") -> None:
    """Train the regression for 50 steps, or stop after some; keep the averaged weights that each process ends with."""
    settings = stage(
        optimizer=optimizer, precision=precision, steps=50, batch_size=8, grad_accum=2, lr=0.02, checkpoint_every=10
    )
    processes, task, run, done = engine.processes, Regression(), Path(folder), []
    asked = [lambda: len(done) and done[-1] == int(stop), lambda: False][processes.rank > 0]
    with suppress(Interrupted):
        state = fit(
            task,
            settings,
            run,
            callbacks=Callbacks(
                on_step=lambda name, step, steps, loss: done.append(step),
                should_stop=lambda: processes.any(bool(asked())),
            ),
            engine=engine,
        )
        save(state.averaged(task).state_dict(), run / f"averaged-{processes.rank}.pt")


def save_and_train_on(engine: Engine, folder: str) -> None:
    """Begin a checkpoint, take steps while it is written, then see that it holds what was there when it was begun."""
    settings, task = stage(steps=20, batch_size=8), Regression()
    state = start(task, settings, Path(folder), engine=engine)
    for _ in range(3):
        train_step(task, state, settings)
    then = copy.deepcopy((module_state(state.compute.masters), optimizer_state(state.optimizers[0])))
    state.save(Path(folder), task.name)
    path = state.last_checkpoint
    for _ in range(5):
        train_step(task, state, settings)
    state.flush()
    now = module_state(state.compute.masters)
    assert any(not now[name].equal(then[0][name]) for name in now)
    state.restore(path, load_checkpoint(path))
    assert state.step == 3
    now = module_state(state.compute.masters), optimizer_state(state.optimizers[0])
    assert all(now[0][name].equal(then[0][name]) for name in now[0])
    for found, expected in zip(now[1], then[1], strict=True):
        assert found.keys() == expected.keys() and all(found[name].equal(expected[name]) for name in found)
    if engine.processes.first:  # parts: nobody has gathered them
        files = {file.name for file in path.iterdir()}
        assert files == {".metadata", "state.json", *(f"__{rank}_0.distcp" for rank in range(engine.processes.count))}
