"""How a stage is computed changes nothing in what is computed."""

import shutil

import pytest
import torch
from regression_task import Regression, stage, weights

from mutoscope.training.distributed import PLAIN, Engine, blocks_of
from mutoscope.training.trainer import fit

SETTINGS = stage(optimizer="muon", steps=12, batch_size=8, checkpoint_every=6)


def trained(run, engine, task=None):
    run.mkdir(exist_ok=True)
    task = task or Regression()
    return weights(fit(task, SETTINGS, run, engine=engine).compute.masters)


def test_blocks_are_found():
    assert [type(block) for block in blocks_of(Regression().modules)] == [torch.nn.Linear, torch.nn.Linear]


def test_recomputed_blocks_give_the_same_weights_and_are_computed_twice(tmp_path):
    expected = trained(tmp_path / "plain", PLAIN)
    task, calls = Regression(), []
    block = task.modules["network"].blocks[0]
    forward = block.forward
    block.forward = lambda x: calls.append(x.shape) or forward(x)
    found = trained(tmp_path / "recomputed", Engine(recompute=True), task)
    assert calls.count((SETTINGS.batch_size, 8)) == 2 * SETTINGS.steps  # the other two are the speedometer's
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


def test_a_run_may_go_on_with_another_engine(tmp_path):
    expected = trained(tmp_path / "run", PLAIN)
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "regression-0000012")
    found = trained(tmp_path / "run", Engine(recompute=True))
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on CPUs")
def test_compiled_blocks_give_the_same_curve(tmp_path):
    expected = trained(tmp_path / "plain", PLAIN)
    found = trained(tmp_path / "compiled", Engine(compile=True))
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=2e-3, rtol=0)  # Muon rounds to bfloat16
