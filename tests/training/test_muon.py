"""Muon against its reference implementation, and what it is built on."""

import pytest
import torch
from torch import nn

from mutoscope.training.muon import Muon, orthogonalise


def matrices(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def test_orthogonalise_moves_singular_values_to_about_one():
    (x,) = matrices((3, 16, 40))
    before, after = torch.linalg.svdvals(x), torch.linalg.svdvals(orthogonalise(x).float())
    assert before.max() > 5
    assert 0.5 < after.min() and after.max() < 1.5


def test_orthogonalise_keeps_singular_vectors():
    """U S V^T becomes about U V^T: its product with V U^T is symmetric and has a trace near the rank."""
    (x,) = matrices((1, 12, 30))
    u, _, vt = torch.linalg.svd(x[0], full_matrices=False)
    product = orthogonalise(x)[0].float() @ (u @ vt).T
    torch.testing.assert_close(product, product.T, atol=0.05, rtol=0)
    assert 0.6 * 12 < product.trace() < 1.3 * 12


def test_a_batch_is_each_matrix_alone():
    (x,) = matrices((4, 8, 20))
    alone = torch.cat([orthogonalise(x[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(orthogonalise(x), alone, atol=0.02, rtol=0)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_equals_the_reference_implementation(weight_decay):
    shapes = [(8, 8), (24, 8), (8, 24), (8, 8), (5, 9)]
    ours = [nn.Parameter(x) for x in matrices(*shapes)]
    theirs = [nn.Parameter(x.detach().clone()) for x in ours]
    a = Muon(ours, lr=0.02, weight_decay=weight_decay)
    b = torch.optim.Muon(theirs, lr=0.02, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    for step in range(4):
        for p, q, gradient in zip(ours, theirs, matrices(*shapes, seed=step + 1), strict=True):
            p.grad, q.grad = gradient.clone(), gradient.clone()
        a.step()
        b.step()
    for p, q, start in zip(ours, theirs, matrices(*shapes), strict=True):
        moved = (q - start).norm()
        assert (p - q).norm() < 0.02 * moved  # both orthogonalise in bfloat16, in another order


def test_a_kernel_is_the_matrix_of_its_output_channels():
    (kernel, gradient) = matrices((6, 4, 3, 3), (6, 4, 3, 3))
    conv, flat = nn.Parameter(kernel.clone()), nn.Parameter(kernel.flatten(1).clone())
    conv.grad, flat.grad = gradient.clone(), gradient.flatten(1).clone()
    Muon([conv], lr=0.1).step()
    Muon([flat], lr=0.1).step()
    assert not torch.equal(conv, kernel)
    torch.testing.assert_close(conv.flatten(1), flat)


def test_parameters_without_a_gradient_stay():
    still, moving = (nn.Parameter(x) for x in matrices((4, 6), (4, 6)))
    before = still.detach().clone()
    moving.grad = torch.ones_like(moving)
    Muon([still, moving], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(still, before)
