"""Tiles: their shares of every place, what a place depends on, and that tiled and streamed is whole."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vae import CONFIGS, build

from mutoscope.vae.config import VAEConfig
from mutoscope.vae.network import receptive_radius
from mutoscope.vae.tiling import Tiling, in_tiles, tiling_of

# One network of each kind that tiles could be wrong for, shallow so that frames may be small.
SMALL = [VAEConfig(width=8, depth=1, latent_channels=2, spatial_stride=s, temporal_stride=t, shortcuts=c)
         for s, t, c in [(4, 1, False), (8, 1, True), (4, 2, True), (8, 4, False)]]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 19), st.integers(0, 6), st.sampled_from([1, 4]))
def test_shares_add_up_and_tiles_cover_with_their_overlap(size, tile, overlap, radius, cell):
    tiling = Tiling(tile, min(overlap, tile - 1), radius)
    starts, shares = tiling.starts(size), tiling.shares(size, cell)
    assert starts[0] == 0 and (starts[-1] + tile == size or size <= tile)
    assert all(0 < b - a <= tile - tiling.overlap for a, b in pairwise(starts))
    torch.testing.assert_close(shares.sum(0), torch.ones(size * cell))
    places = (torch.arange(size * cell) + 0.5) / cell
    for start, share in zip(starts, shares, strict=True):
        margin = radius if tiling.exact else 0
        seen = (places > start + margin * (start > 0)) & (places < start + tile - margin * (start + tile < size))
        assert (share[~seen] == 0).all()


def test_neighbours_are_blended_linearly_where_they_cannot_be_exact():
    (left, right) = Tiling(tile=6, overlap=4, radius=9).shares(8, cell=1)
    assert left.tolist() == pytest.approx([1, 1, 0.875, 0.625, 0.375, 0.125, 0, 0])
    assert right.tolist() == pytest.approx(left.flip(0).tolist())


def test_tiles_of_the_identity_are_the_whole():
    x = torch.randn(2, 3, 40, 28, generator=torch.Generator().manual_seed(0))
    numbers = []

    def double(number, part):
        numbers.append((number, tuple(part.shape[-2:])))
        return part.repeat_interleave(2, -1).repeat_interleave(2, -2)

    whole = in_tiles(double, x, Tiling(tile=4, overlap=2, radius=3), cell_in=4, cell_out=8)
    torch.testing.assert_close(whole, double(0, x))
    assert numbers[:-1] == [(k, (16, 16)) for k in range(4 * 3)]


@pytest.mark.parametrize("config", SMALL)
def test_the_receptive_radius_is_what_gradients_say(config):
    """Of the middle latent, and of all pixels of the middle cell: nothing further away, and nothing less."""
    vae, radius, cell = build(config).double(), receptive_radius(config), config.spatial_stride
    size = 2 * radius + 5
    middle, far = size // 2, []
    frames = torch.randn(1, 3, 1, cell, size * cell, dtype=torch.double, requires_grad=True)
    (slope,) = torch.autograd.grad(vae.encode_raw(frames)[..., middle].sum(), frames)
    reached = slope.abs().sum((0, 1, 2, 3)).unflatten(0, (size, cell)).sum(1).nonzero()[:, 0]
    far.append((reached - middle).abs().max())
    latents = torch.randn(1, 2, 1, 1, size, dtype=torch.double, requires_grad=True)
    decoded = vae.decode_raw(latents)[..., middle * cell : (middle + 1) * cell]
    (slope,) = torch.autograd.grad(decoded.sum(), latents)
    far.append((slope.abs().sum((0, 1, 2, 3)).nonzero()[:, 0] - middle).abs().max())
    assert max(far) == radius


@pytest.mark.parametrize("chunk", [None, 1])
@pytest.mark.parametrize("config", SMALL)
@torch.no_grad()
def test_tiled_and_streamed_is_whole(config, chunk):
    """With the overlap that `tiling_of` gives; with less it is another thing, but close to it."""
    vae, tiling = build(config), tiling_of(config, 2 * receptive_radius(config) + 2)
    rows, columns = tiling.tile + 3, tiling.tile + 5
    cell, num_frames = config.spatial_stride, 1 + 2 * config.temporal_stride
    g = torch.Generator().manual_seed(0)
    frames = 2 * torch.rand(1, 3, num_frames, rows * cell, columns * cell, generator=g) - 1
    latents = vae.encode(frames)
    decoded = vae.decode(latents)
    assert tiling.exact and len(tiling.starts(rows)) > 1 and len(tiling.starts(columns)) > 1
    torch.testing.assert_close(vae.encode(frames, chunk, tiling), latents, rtol=0, atol=1e-5)
    torch.testing.assert_close(vae.decode(latents, chunk, tiling), decoded, rtol=0, atol=1e-5)

    blended = Tiling(tiling.tile, 4, tiling.radius)
    error = (vae.decode(latents, chunk, blended) - decoded).abs()
    assert 1e-4 < error.max() < 0.2 * decoded.abs().max() and error.mean() < 0.05 * decoded.abs().mean()


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_frames_smaller_than_a_tile_are_one_tile(config):
    vae = build(config)
    frames = torch.rand(1, 3, 9 if config.first_frame_alone else 8, 16, 24, generator=torch.Generator().manual_seed(0))
    tiling = Tiling(tile=8, overlap=2, radius=3)
    assert torch.equal(vae.encode(frames, 1, tiling), vae.encode(frames, 1))


@torch.no_grad()
def test_a_tile_sees_no_more_than_itself():
    config = SMALL[0]
    vae, seen = build(config), []
    vae.encoder.stem.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape[-2:]))
    tiling = tiling_of(config, 2 * receptive_radius(config) + 4)
    for size in (24, 48):
        vae.encode(torch.zeros(1, 3, 1, size * 4, size * 4), tiling=tiling)
    assert {tuple(size) for size in seen} == {(tiling.tile, tiling.tile)}


def test_impossible_tiles_say_what_fits():
    with pytest.raises(ValueError, match="share 22 do not fit: .* Nearest: a tile of 23"):
        tiling_of(VAEConfig(spatial_stride=8), 16)
    with pytest.raises(ValueError, match="share -1 do not fit"):
        Tiling(4, -1, 0)
