"""What the processes of test_distributed.py do, and one process does to compare."""

from contextlib import suppress
from pathlib import Path

from regression_task import Regression, stage
from torch import save

from mutoscope.training.callbacks import Callbacks
from mutoscope.training.distributed import Engine
from mutoscope.training.trainer import Interrupted, fit


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
