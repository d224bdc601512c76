"""What the log says of speed: counted operations, a measured ceiling, time that went by waiting for data."""

import time

import pytest
import torch
from regression_task import Regression, stage
from torch import nn

from mutoscope.training.callbacks import Callbacks
from mutoscope.training.state import start
from mutoscope.training.throughput import Meter, Speed, flops_of, matmul_rate
from mutoscope.training.trainer import fit, train_step

FLOPS = 6 * (3 * 8 + 2 * 8 * 8 + 8 * 1) - 2 * 3 * 8
"""Of an example of the regression: 2 forward, 4 back; none for the gradient of the input."""


def test_operations_of_an_example_are_counted_exactly():
    task = Regression()
    assert flops_of(task, range(5)) == 5 * FLOPS
    assert all(p.grad is None for p in task.modules.parameters())


class Clock:
    """One that only tests move."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


class Timed(Regression):
    """Every micro-batch is waited for 20 ms and computed in 30."""

    def __init__(self, clock: Clock):
        super().__init__()
        self.clock = clock

    def loss(self, modules, indices):
        with self.fetching:
            self.clock.now += 0.02
        self.clock.now += 0.03
        return super().loss(modules, indices)


def test_a_reading_covers_the_steps_since_the_last_one(tmp_path, monkeypatch):
    task, config = Timed(Clock()), stage(batch_size=4, grad_accum=3)
    state = start(task, config, tmp_path)
    meter = Meter(task, config, state)
    monkeypatch.setattr("mutoscope.training.task.time", task.clock)
    for steps in (2, 5):
        task.clock.now += 7.0  # a checkpoint between the lines of the log does not count
        for _ in range(steps):
            with meter.step:
                train_step(task, state, config)
        speed = meter.read()
        assert speed.examples_per_s == pytest.approx(4 / 0.05)
        assert speed.flops_per_s == pytest.approx(FLOPS * 4 / 0.05)
        assert speed.data_wait == pytest.approx(0.4)
        assert 0 < speed.mfu < 1 and speed.memory_mb > 50
    with pytest.raises(ValueError, match="no step"):
        meter.read()


def test_training_tells_its_speed_with_every_line_of_the_log(tmp_path):
    told = []
    fit(Regression(), stage(log_every=3), tmp_path, callbacks=Callbacks(on_speed=lambda *it: told.append(it)))
    assert [name for name, _ in told] == ["regression"] * 4  # steps 1, 3, 6, 8
    assert all(isinstance(speed, Speed) for _, speed in told)


def test_a_stage_that_is_done_is_not_measured(tmp_path):
    config = stage()
    state = fit(Regression(), config, tmp_path)
    task = Regression()
    task.loss = lambda *arguments: pytest.fail("it computed")
    Meter(task, config, state)


def test_the_matmul_rate_is_that_of_the_best_of_several():
    layer = nn.Linear(512, 512, bias=False)
    x = torch.ones(512, 512)
    begun = time.perf_counter()
    with torch.no_grad():
        layer(x)
    assert matmul_rate(torch.float32, torch.device("cpu"), size=512) > 0.5 * 2 * 512**3 / (time.perf_counter() - begun)
