"""Low precision with float32 masters."""

import copy

import pytest
import torch
from regression_task import Regression, assert_same, weights

from mutoscope.training.precision import ComputeCopy, fastest_dtype


def test_float32_computes_with_the_masters_themselves():
    modules = Regression().modules
    assert ComputeCopy(modules, torch.float32).modules is modules


def test_push_brings_the_masters_to_the_copy():
    modules = Regression().modules
    compute = ComputeCopy(modules, torch.bfloat16)
    with torch.no_grad():
        for parameter in modules.parameters():
            parameter.add_(1)
    compute.push()
    for master, working in zip(modules.parameters(), compute.modules.parameters(), strict=True):
        assert working.dtype == torch.bfloat16 and torch.equal(working, master.bfloat16())


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_gradients_add_up_to_those_of_float32(micro_batches):
    task = Regression()
    expected = copy.deepcopy(task.modules)
    compute = ComputeCopy(task.modules, torch.bfloat16)
    for micro in range(micro_batches):
        indices = range(16 * micro, 16 * micro + 16)
        task.loss(expected, indices).mean().backward()
        task.loss(compute.modules, indices).mean().backward()
        compute.pull_gradients()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in task.modules.parameters())
    ours, theirs = (torch.cat([p.grad.flatten() for p in modules.parameters()]) for modules in (task.modules, expected))
    assert 0 < (ours - theirs).norm() < 0.02 * theirs.norm()
    assert all(p.grad is None for p in compute.modules.parameters())


def test_many_micro_batches_add_up_in_float32():
    """In bfloat16 a sum stops growing once its parts are 1/256 of it; here 1000 equal parts give 1000 times one."""
    modules = torch.nn.ModuleDict({"a": torch.nn.Linear(1, 1, bias=False)})
    compute = ComputeCopy(modules, torch.bfloat16)
    for _ in range(1000):
        compute.modules["a"](torch.ones(1, 1, dtype=torch.bfloat16)).sum().backward()
        compute.pull_gradients()
    assert modules["a"].weight.grad.item() == 1000


def test_measuring_leaves_the_masters_alone():
    task = Regression()
    before = weights(task.modules)
    dtype = fastest_dtype(lambda modules: task.loss(modules, range(4)), task.modules)
    assert dtype in (torch.float32, torch.bfloat16)
    assert_same(weights(task.modules), before)
    assert all(p.grad is None for p in task.modules.parameters())
