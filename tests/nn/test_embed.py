"""Sinusoidal features of diffusion time."""

import math

import torch

from mutoscope.nn.embed import sinusoid


def test_sinusoid_is_the_formula():
    t, dim = torch.tensor([0.0, 0.25, 1.0]), 8
    features = sinusoid(t, dim)
    for row, time in enumerate(t.tolist()):
        for k in range(4):
            angle = 1000 * time * 10_000 ** (-k / 4)
            assert abs(features[row, k].item() - math.cos(angle)) < 1e-3
            assert abs(features[row, 4 + k].item() - math.sin(angle)) < 1e-3


def test_sinusoid_keeps_the_shape_and_unit_circles():
    features = sinusoid(torch.rand(2, 3, generator=torch.Generator().manual_seed(0)), 16)
    assert features.shape == (2, 3, 16)
    torch.testing.assert_close(features[..., :8] ** 2 + features[..., 8:] ** 2, torch.ones(2, 3, 8))


def test_times_are_told_apart():
    features = sinusoid(torch.linspace(0, 1, 101), 256)
    distance = torch.cdist(features, features) + 10 * torch.eye(101)
    assert distance.min() > 1


def test_low_precision_times_are_embedded_in_float32():
    assert sinusoid(torch.tensor([0.5], dtype=torch.bfloat16), 8).dtype == torch.float32
