import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.video.pixels import check_frames_u8, enlarge, to_frames, to_uint8

size = st.integers(1, 5)


def test_every_byte_comes_back():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert np.array_equal(to_uint8(to_frames(levels)), levels)


@settings(max_examples=30, deadline=None)
@given(size, size, size, st.integers(0, 2**31))
def test_to_uint8_inverts_to_frames(num_frames, height, width, seed):
    frames_u8 = np.random.default_rng(seed).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)
    frames = to_frames(frames_u8)
    assert frames.shape == (3, num_frames, height, width) and frames.dtype == torch.float32
    assert frames.min() >= -1 and frames.max() <= 1
    assert np.array_equal(to_uint8(frames), frames_u8)


def test_ends_middle_rounding_and_clamping():
    # -1 -> 0, 1 -> 255; one level is 2/255 wide and centred on its value, so 0.49 of a level rounds back
    level = 2 / 255
    values = torch.tensor([-7.0, -1.0, -1 + 0.49 * level, -1 + 0.51 * level, 1 - 0.49 * level, 1.0, 1.001, 9.0])
    pixels = to_uint8(values.reshape(1, 1, 1, 8))
    assert pixels[0, 0, :, 0].tolist() == [0, 0, 0, 1, 255, 255, 255, 255]


def test_grey_is_repeated_and_axes_land_where_they_should():
    frames = torch.arange(24.0).reshape(1, 2, 3, 4) / 12 - 1
    pixels = to_uint8(frames)
    assert pixels.shape == (2, 3, 4, 3)
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()
    colour = torch.full((3, 2, 3, 4), -1.0)
    colour[2, 1, 2, 3] = 1
    assert np.argwhere(to_uint8(colour)).tolist() == [[1, 2, 3, 2]]


def test_half_precision_is_accepted():
    frames = to_frames(np.full((1, 2, 2, 3), 255, np.uint8))
    assert (to_uint8(frames.to(torch.bfloat16)) == 255).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_broken_numbers_are_an_error(bad):
    frames = torch.zeros(3, 1, 2, 2)
    frames[1, 0, 1, 0] = bad
    with pytest.raises(ValueError, match="1 values of 12 that are nan or infinite"):
        to_uint8(frames)


def test_other_channel_counts_are_an_error():
    with pytest.raises(ValueError, match="frames have 4 channels; pass 1"):
        to_uint8(torch.zeros(4, 1, 2, 2))


def test_enlarge_repeats_pixels():
    frames_u8 = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    large = enlarge(frames_u8, 3)
    assert large.shape == (2, 9, 12, 3)
    for row in range(3):
        for column in range(3):
            assert np.array_equal(large[:, row::3, column::3], frames_u8)
    with pytest.raises(ValueError, match="scale=0"):
        enlarge(frames_u8, 0)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 4, 4, 3)),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((2, 4, 4), np.uint8),
        np.zeros((0, 4, 4, 3), np.uint8),
    ],
)
def test_what_is_no_clip_is_named(bad):
    with pytest.raises(ValueError, match=r"a clip is uint8 of shape \(frames, height, width, 3\)") as caught:
        check_frames_u8(bad)
    assert str(bad.dtype) in str(caught.value) and str(bad.shape) in str(caught.value)
