"""Shared layers: modulation, and attention among parts of a video against a loop over the parts."""

import pytest
import torch
from awake_networks import inputs

from mutoscope.denoisers.blocks import CrossAttention, SelfAttention, causal_mask, modulate, normalise
from mutoscope.denoisers.condition import frame_times
from mutoscope.nn.rope import rotary_table
from mutoscope.types import Context

F_, H, W, DIM = 3, 2, 4, 16


def video():
    return torch.randn(2, F_, H * W, DIM, generator=torch.Generator().manual_seed(0))


def layers(among):
    """The same weights twice: attention among parts, and among everything given."""
    torch.manual_seed(1)
    part, whole = SelfAttention(DIM, 2, among), SelfAttention(DIM, 2)
    whole.load_state_dict(part.state_dict())
    return part, whole


def test_modulation_is_layer_norm_then_scale_and_shift():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 5, 8, generator=g) * 3 + 1
    shift, scale = torch.randn(2, 3, 1, 8, generator=g), torch.randn(2, 3, 1, 8, generator=g)
    mean, std = x.mean(-1, keepdim=True), x.std(-1, keepdim=True, unbiased=False)
    torch.testing.assert_close(normalise(x), (x - mean) / std, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(modulate(x, shift, scale), (x - mean) / std * (1 + scale) + shift, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rotary", [True, False])
@torch.no_grad()
def test_attention_in_frames_is_each_frame_by_itself(rotary):
    part, whole = layers("frame")
    x = video()
    table, own = (rotary_table(grid, DIM // 2) if rotary else None for grid in ((F_, H, W), (1, H, W)))
    expected = torch.cat([whole(x[:, k : k + 1], own) for k in range(F_)], 1)
    torch.testing.assert_close(part(x, table), expected, rtol=0, atol=1e-6)
    assert (whole(x, table) - expected).abs().max() > 1e-2


@pytest.mark.parametrize("rotary", [True, False])
@torch.no_grad()
def test_attention_over_time_is_each_place_by_itself(rotary):
    part, whole = layers("place")
    x = video()
    table, own = (rotary_table(grid, DIM // 2) if rotary else None for grid in ((F_, H, W), (F_, 1, 1)))
    expected = torch.cat([whole(x[:, :, k : k + 1], own) for k in range(H * W)], 2)
    torch.testing.assert_close(part(x, table), expected, rtol=0, atol=1e-6)


@torch.no_grad()
def test_rotary_positions_are_used():
    _, whole = layers("video")
    x = video()
    assert (whole(x, rotary_table((F_, H, W), DIM // 2)) - whole(x, None)).abs().max() > 1e-3


@torch.no_grad()
def test_masked_attention_is_each_frame_with_the_frames_before():
    _, layer = layers("video")
    x = video()
    table = rotary_table((F_, H, W), DIM // 2)
    found = layer(x, table, causal_mask(F_, H * W))
    for k in range(F_):
        seen = layer(x[:, : k + 1], table[:, : (k + 1) * H * W])
        torch.testing.assert_close(found[:, k], seen[:, k], rtol=0, atol=1e-6)


def test_causal_mask_of_two_frames_of_two_tokens():
    expected = [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert causal_mask(2, 2).int().tolist() == [expected]


@torch.no_grad()
def test_cross_attention_is_each_token_by_itself():
    torch.manual_seed(0)
    layer = CrossAttention(DIM, 24, 2)
    _, _, context = inputs(b=2)
    x = video()
    found = layer(x, context)
    for k in range(F_):
        for place in range(H * W):
            one = layer(x[:, k : k + 1, place : place + 1], context)[:, 0, 0]
            torch.testing.assert_close(found[:, k, place], one, rtol=0, atol=1e-6)
    assert (layer(x, Context(context.tokens.flip(-1), context.mask)) - found).abs().max() > 1e-3


def test_times_of_frames():
    assert frame_times(torch.tensor([0.1, 0.7]), 5).tolist() == torch.tensor([[0.1], [0.7]]).tolist()
    found = frame_times(torch.tensor([[0.0, 0.5, 0.5, 1.0]]), 2)
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.75]]))
