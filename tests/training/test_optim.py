"""Learning rate and optimizers."""

import pytest
import torch
from regression_task import Regression, stage, weights
from torch.optim import AdamW

from mutoscope.training.muon import Muon
from mutoscope.training.optim import build_optimizers, finite_gradients, learning_rate, set_learning_rate


def test_learning_rate_is_a_trapezoid():
    config = stage(steps=100, lr=0.5, warmup_steps=10, decay_share=0.4)
    for step in range(100):
        warm, left = min(1, (step + 1) / 10), min(1, (100 - step) / 40)
        assert learning_rate(step, config) == pytest.approx(0.5 * warm * left)
    assert learning_rate(0, config) == pytest.approx(0.05)
    assert learning_rate(30, config) == 0.5
    assert learning_rate(99, config) == pytest.approx(0.5 / 40)


def test_learning_rate_without_warm_up_and_decay_is_constant():
    config = stage(steps=10, lr=0.5, warmup_steps=0, decay_share=0.0)
    assert {learning_rate(step, config) for step in range(10)} == {0.5}


def test_learning_rate_is_never_zero_within_the_run():
    for share in (0.0, 0.3, 1.0):
        config = stage(steps=7, lr=0.5, warmup_steps=3, decay_share=share)
        assert min(learning_rate(step, config) for step in range(7)) > 0


def test_every_group_gets_the_rate():
    optimizers = build_optimizers(Regression().modules, stage(optimizer="muon"))
    set_learning_rate(optimizers, 0.123)
    assert {group["lr"] for optimizer in optimizers for group in optimizer.param_groups} == {0.123}


def elements(optimizer):
    return sum(p.numel() for group in optimizer.param_groups for p in group["params"])


def test_muon_gets_the_matrices_of_blocks_and_adamw_the_rest():
    modules = Regression().modules
    muon, adamw = build_optimizers(modules, stage(optimizer="muon", weight_decay=0.1))
    assert isinstance(muon, Muon) and isinstance(adamw, AdamW)
    assert elements(muon) == 2 * 8 * 8
    assert elements(muon) + elements(adamw) == sum(p.numel() for p in modules.parameters())
    (only,) = build_optimizers(modules, stage(optimizer="adamw"))
    assert isinstance(only, AdamW) and elements(only) == sum(p.numel() for p in modules.parameters())


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_one_step_moves_every_parameter_and_only_matrices_decay(name):
    """With zero gradients only weight decay acts, on matrices."""
    modules = Regression().modules
    before = weights(modules)
    optimizers = build_optimizers(modules, stage(optimizer=name, lr=0.5, weight_decay=0.1))
    for parameter in modules.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for optimizer in optimizers:
        optimizer.step()
    for key, tensor in modules.state_dict().items():
        expected = before[key] * (1 - 0.5 * 0.1) if tensor.ndim == 2 else before[key]
        torch.testing.assert_close(tensor, expected, rtol=1e-5, atol=1e-5, msg=key)
    for parameter in modules.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = weights(modules)
    for optimizer in optimizers:
        optimizer.step()
    assert all(not torch.equal(before[key], tensor) for key, tensor in modules.state_dict().items())


def test_muon_updates_have_the_scale_of_adamw():
    """0.2 * sqrt(max(rows, columns)) times an orthogonal matrix: root mean square about 0.2 * lr, as AdamW's."""
    modules = Regression().modules
    muon, _ = build_optimizers(modules, stage(optimizer="muon", lr=0.1))
    matrix = modules.get_parameter("network.blocks.0.weight")
    before = matrix.detach().clone()
    for parameter in modules.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    muon.step()
    update = (matrix.detach() - before) / 0.1
    assert 0.1 < update.square().mean().sqrt() < 0.3


@pytest.mark.parametrize(("max_norm", "factor"), [(1.0, 1 / 13), (100.0, 1.0)])
def test_gradients_are_clipped_to_their_joint_norm(max_norm, factor):
    modules = torch.nn.ModuleDict({"a": torch.nn.Linear(1, 1)})
    modules["a"].weight.grad, modules["a"].bias.grad = torch.tensor([[5.0]]), torch.tensor([12.0])
    assert float(finite_gradients(modules, max_norm)) == pytest.approx(13.0)
    torch.testing.assert_close(modules["a"].weight.grad, torch.tensor([[5.0 * factor]]), rtol=1e-4, atol=0)
    torch.testing.assert_close(modules["a"].bias.grad, torch.tensor([12.0 * factor]), rtol=1e-4, atol=0)
