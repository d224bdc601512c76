"""Distances between latents against their closed form."""

import torch
from torch import Generator

from mutoscope.evaluation.nearest import nearest


def test_distance_is_the_rms_difference_whatever_the_shape():
    bank = torch.stack([torch.full((2, 3, 4, 5), value) for value in (0.0, 1.0, -2.0)])
    distances, index = nearest(torch.full((1, 2, 3, 4, 5), 0.75), bank)
    assert torch.allclose(distances, torch.tensor([[0.75, 0.25, 2.75]], dtype=torch.float64))
    assert index.tolist() == [1]


def test_every_clip_is_nearest_to_itself():
    bank = torch.randn(20, 4, 2, 3, 3, generator=Generator().manual_seed(0))
    order = torch.randperm(20, generator=Generator().manual_seed(1))
    distances, index = nearest(bank[order], bank)
    assert torch.equal(index, order)
    assert distances.shape == (20, 20) and distances.gather(1, index[:, None]).max() < 1e-5
