"""Patchify: its inverse and the order of the tokens."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.nn.patch import patchify, unpatchify

size = st.integers(1, 4)


@settings(max_examples=40, deadline=None)
@given(st.tuples(size, size, size), st.tuples(size, size, size), size)
def test_unpatchify_inverts_patchify(grid, patch, channels):
    f, h, w = (g * p for g, p in zip(grid, patch, strict=True))
    latents = torch.arange(2.0 * channels * f * h * w).reshape(2, channels, f, h, w)
    tokens = patchify(latents, patch)
    assert tokens.shape == (2, grid[0] * grid[1] * grid[2], channels * patch[0] * patch[1] * patch[2])
    assert torch.equal(unpatchify(tokens, grid, patch), latents)


def test_tokens_run_over_frames_then_rows_then_columns():
    latents = torch.zeros(1, 1, 2, 4, 6)
    for f in range(2):
        for row in range(2):
            for column in range(3):
                latents[0, 0, f, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 100 * f + 10 * row + column
    tokens = patchify(latents, (1, 2, 2))
    expected = torch.tensor([0.0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112])
    assert torch.equal(tokens[0], expected[:, None].expand(12, 4))


def test_values_of_a_token_run_over_frame_row_column_channel():
    latents = torch.arange(16.0).reshape(1, 2, 2, 2, 2)  # c f h w
    expected = latents[0].permute(1, 2, 3, 0).reshape(1, 1, 16)
    assert torch.equal(patchify(latents, (2, 2, 2)), expected)


def test_sizes_that_do_not_divide_are_an_error():
    with pytest.raises(Exception, match="divide|divisible"):
        patchify(torch.zeros(1, 1, 1, 3, 4), (1, 2, 2))
