"""Averaged weights in closed form."""

import pytest
import torch
from torch import nn

from mutoscope.training.ema import Ema


def module(value):
    modules = nn.ModuleDict({"a": nn.Linear(2, 1)})
    nn.init.constant_(modules["a"].weight, value)
    nn.init.constant_(modules["a"].bias, value)
    return modules


@pytest.mark.parametrize("decay", [0.0, 0.05, 0.5, 0.99])
def test_average_of_constant_weights_is_its_closed_form(decay):
    """From 0 towards constant 1: after n updates 1 - prod of the decays min(decay, (1 + k) / (10 + k))."""
    modules = module(0.0)
    ema = Ema(modules, decay)
    nn.init.constant_(modules["a"].weight, 1.0)
    left = 1.0
    for step in range(200):
        ema.update(step)
        left *= min(decay, (1 + step) / (10 + step))
        assert ema.modules["a"].weight[0, 0].item() == pytest.approx(1 - left, abs=1e-5)


def test_warm_up_forgets_the_random_start():
    modules = module(0.0)
    ema = Ema(modules, 0.999)
    nn.init.constant_(modules["a"].weight, 1.0)
    for step in range(20):
        ema.update(step)
    assert ema.modules["a"].weight[0, 0] > 0.999  # a decay of 0.999 from the start would be at 0.02


def test_average_is_a_copy_that_takes_no_gradients():
    modules = module(2.0)
    ema = Ema(modules, 0.9)
    assert not any(p.requires_grad for p in ema.modules.parameters())
    assert all(p.requires_grad for p in modules.parameters())
    ema.update(0)
    assert (modules["a"].weight == 2).all() and torch.equal(ema.modules["a"].weight, modules["a"].weight)
