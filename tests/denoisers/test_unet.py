"""The U-Net: its convolutions against loops, its levels and their skips."""

import itertools

import pytest
import torch
from awake_networks import UNET, awake, inputs
from torch.nn import functional as F

from mutoscope.denoisers.unet import Convolution, UNet, gather, scatter

GRID = (3, 4, 5)


def convolution(mixing):
    torch.manual_seed(0)
    return Convolution(mixing, 4).double()


def places(seed=0):
    return torch.randn(2, 3, 20, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@torch.no_grad()
def test_conv3d_is_a_sum_over_neighbours_in_space_and_time():
    layer, x = convolution("conv3d"), places()
    (part,) = layer.parts
    volume = x.unflatten(2, GRID[1:])
    expected = part.bias.expand(2, *GRID, 4).clone()
    for k, i, j in itertools.product(*map(range, GRID)):
        for dk, di, dj in itertools.product((-1, 0, 1), repeat=3):
            if 0 <= k + dk < 3 and 0 <= i + di < 4 and 0 <= j + dj < 5:
                weight = part.weight[:, :, dk + 1, di + 1, dj + 1]
                expected[:, k, i, j] += volume[:, k + dk, i + di, j + dj] @ weight.T
    torch.testing.assert_close(layer(x, GRID), expected.flatten(2, 3))


@torch.no_grad()
def test_conv2d_1d_is_a_convolution_of_each_frame_then_of_each_place():
    layer, x = convolution("conv2d_1d"), places()
    space, time = layer.parts
    frames = x.unflatten(2, GRID[1:]).permute(0, 1, 4, 2, 3)  # (b, f, d, h, w)
    seen = torch.stack([F.conv2d(frames[:, k], space.weight[:, :, 0], space.bias, padding=1) for k in range(3)], 1)
    seen = F.silu(seen)
    expected = torch.zeros(2, 3, 20, 4, dtype=torch.float64)
    for place, (i, j) in enumerate(itertools.product(range(4), range(5))):
        line = seen[..., i, j].mT  # (b, d, f)
        expected[:, :, place] = F.conv1d(line, time.weight[..., 0, 0], time.bias, padding=1).mT
    torch.testing.assert_close(layer(x, GRID), expected)


@torch.no_grad()
def test_attention_mixing_convolves_each_frame_alone():
    layer, x = convolution("attention"), places()
    (part,) = layer.parts
    frames = x.unflatten(2, GRID[1:]).permute(0, 1, 4, 2, 3).flatten(0, 1)
    expected = F.conv2d(frames, part.weight[:, :, 0], part.bias, padding=1).unflatten(0, (2, 3)).permute(0, 1, 3, 4, 2)
    torch.testing.assert_close(layer(x, GRID), expected.flatten(2, 3))


@torch.no_grad()
def test_attention_mixing_passes_frames_on_by_attention_over_time_alone():
    """conv2d in frames: silencing the attention at each place cuts the frames apart, and nothing else does."""
    xt, t, context = inputs()
    for silenced, cut in (("place_attention.out", True), ("frame_attention.out", False)):
        model = awake(UNET.model_copy(update={"mixing": "attention"}))
        for name, module in model.named_modules():
            if name.endswith(silenced):
                module.weight.zero_()
        before = model(xt, t, context)
        other = xt.clone()
        other[:, :, 1] += 1
        changed = (model(other, t, context) - before).abs().amax((0, 1, 3, 4)) > 1e-6
        assert changed.tolist() == ([False, True, False, False] if cut else [True] * 4)


@torch.no_grad()
def test_attention_is_told_which_frame_is_which():
    """Equal frames must come out different: with relative positions alone they would not."""
    xt, t, context = inputs()
    still = xt[:, :, :1].expand_as(xt)
    output = awake(UNET.model_copy(update={"mixing": "attention"}))(still, t, context)
    assert (output.diff(dim=2).abs().amax((0, 1, 3, 4)) > 1e-3).all()


@torch.no_grad()
def test_attention_in_frames_reaches_further_than_convolutions():
    """One level of one block each side: the convolutions see four rows and columns far, attention the whole frame."""
    x = torch.randn(1, 3, 1, 1, 24, generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[..., 0] += 1
    for mixing, reach in (("conv3d", 5), ("conv2d_1d", 5), ("attention", 24)):
        model = awake(UNET.model_copy(update={"mixing": mixing, "widths": (8,), "text": False}))
        changed = (model(other, torch.zeros(1), None) - model(x, torch.zeros(1), None)).abs().amax((0, 1, 2, 3)) > 1e-7
        assert changed.sum() == reach, mixing


def test_scatter_inverts_gather_and_gather_takes_neighbours():
    grid = (2, 4, 6)
    x = torch.arange(1.0 * 2 * 24 * 3).reshape(1, 2, 24, 3)
    coarse = gather(x, grid)
    assert coarse.shape == (1, 2, 6, 12)
    assert torch.equal(scatter(coarse, grid), x)
    place = x.unflatten(2, (4, 6))
    assert torch.equal(coarse[0, 1, 4].unflatten(0, (2, 2, 3)), place[0, 1, 2:4, 2:4])  # row 1, column 1 of 2 x 3


@pytest.mark.parametrize("level", [0, 1])
@torch.no_grad()
def test_each_level_hands_over_what_it_had(level):
    """Cut below a level, the latents still pass through its skip; cut there too, they do not."""
    config = UNET.model_copy(update={"widths": (8, 16, 16), "text": False})
    x = torch.randn(1, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    model, t = awake(config), torch.zeros(1)
    for index in range(level + 1):
        model.grow[index].weight.zero_()
        model.merge[index].weight[:, config.widths[index] :] *= index == level
    if level:  # what comes through level 0 must come from below
        model.grow[0].weight.normal_(generator=torch.Generator().manual_seed(1))
    assert (model(x, t, None) - model(x.flip(-1), t, None)).abs().max() > 1e-2
    model.merge[level].weight[:, config.widths[level] :] = 0
    assert torch.equal(model(x, t, None), model(x.flip(-1), t, None))


@torch.no_grad()
def test_details_finer_than_the_lowest_level_survive():
    """Latents whose 2 x 2 neighbourhoods the way down cannot tell apart still come out different: the skip's work."""
    model = awake(UNET.model_copy(update={"text": False}))
    model.shrink[0].weight.zero_()
    x = torch.randn(1, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert (model(x, torch.zeros(1), None) - model(x.flip(-1), torch.zeros(1), None)).abs().max() > 1e-2


def test_levels_blocks_and_widths_are_as_asked():
    model = UNet(UNET.model_copy(update={"widths": (8, 16, 24), "depth": 2}), 3, 16)
    for way in (model.down, model.up):
        assert [len(level.blocks) for level in way] == [2, 2, 2]
        assert [level.blocks[1].conv_in.parts[0].weight.shape for level in way] == [
            (n, n, 3, 3, 3) for n in (8, 16, 24)
        ]
    assert model.grids(torch.Size((1, 3, 5, 8, 12))) == [(5, 8, 12), (5, 4, 6), (5, 2, 3)]


def test_latents_that_do_not_halve_name_what_fits():
    xt, t, context = inputs()
    with pytest.raises(ValueError, match=r"latents of 4 x 3 x 6 .*\.patch 1 1 1 --denoiser.widths 8\.$"):
        awake(UNET)(xt[:, :, :, :3], t, context)
