"""Rotary positions: a rotation, and one that only offsets matter for."""

import itertools

import pytest
import torch

from mutoscope.nn.rope import axis_dims, rotary_table, rotate


@pytest.mark.parametrize("head_dim", range(8, 136, 8))
def test_axis_dims_share_a_head_in_even_parts(head_dim):
    dims = axis_dims(head_dim)
    assert sum(dims) == head_dim
    assert all(d > 0 and d % 2 == 0 for d in dims)
    assert dims[1] == dims[2]


def test_rotation_keeps_every_norm():
    x = torch.randn(2, 3, 24, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turned = rotate(x, rotary_table((2, 3, 4), 16).double())
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1), rtol=1e-6, atol=0)
    assert not torch.allclose(turned, x)


def test_the_first_token_is_not_turned():
    x = torch.ones(1, 1, 24, 16)
    assert torch.equal(rotate(x, rotary_table((2, 3, 4), 16))[:, :, 0], x[:, :, 0])


def test_dot_products_depend_on_offsets_only():
    grid, dim = (3, 4, 5), 24
    g = torch.Generator().manual_seed(1)
    query, key = (torch.randn(dim, generator=g, dtype=torch.float64) for _ in range(2))
    n = grid[0] * grid[1] * grid[2]
    table = rotary_table(grid, dim).double()
    turned_query = rotate(query.expand(1, 1, n, dim), table)[0, 0]
    turned_key = rotate(key.expand(1, 1, n, dim), table)[0, 0]
    products = turned_query @ turned_key.T
    places = list(itertools.product(*map(range, grid)))
    by_offset: dict[tuple[int, ...], list[float]] = {}
    for i, a in enumerate(places):
        for j, b in enumerate(places):
            by_offset.setdefault(tuple(x - y for x, y in zip(a, b, strict=True)), []).append(products[i, j].item())
    assert all(max(values) - min(values) < 1e-5 for values in by_offset.values())
    means = [sum(values) / len(values) for values in by_offset.values()]
    assert len({round(mean, 6) for mean in means}) > 0.9 * len(means)  # and different offsets are told apart


def test_every_axis_turns_its_own_channels():
    """Tokens one step apart along an axis differ only in the channel pairs of that axis."""
    table = rotary_table((2, 2, 2), 32)[0].reshape(2, 2, 2, 16)
    frame, row, column = (d // 2 for d in axis_dims(32))
    expected = {
        (1, 0, 0): range(0, frame),
        (0, 1, 0): range(frame, frame + row),
        (0, 0, 1): range(frame + row, frame + row + column),
    }
    for place, channels in expected.items():
        changed = (table[place] != table[0, 0, 0]).nonzero().flatten().tolist()
        assert changed == list(channels)


def test_table_has_a_cosine_and_a_sine_for_every_pair_of_channels():
    assert rotary_table((2, 3, 4), 16).shape == (2, 24, 8)
    torch.testing.assert_close(rotary_table((2, 3, 4), 16).square().sum(0), torch.ones(24, 8))
