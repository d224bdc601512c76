import numpy as np
import pytest
import torch

from mutoscope.video.resize import fit_clip, frame_stride, resize


@pytest.mark.parametrize("size", [(3, 5), (16, 16), (20, 7), (33, 40)])
def test_a_constant_stays_constant(size):
    frames = torch.full((2, 3, 2, 16, 12), 0.3)
    out = resize(frames, *size)
    assert out.shape == (2, 3, 2, *size)
    torch.testing.assert_close(out, torch.full_like(out, 0.3))


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_ramp_stays_a_ramp_inside(axis, factor):
    """A symmetric filter keeps straight lines: output pixel i sits at input position (i + 1/2) * factor - 1/2."""
    n = 24 * factor
    line = torch.linspace(-0.9, 0.9, n, dtype=torch.float64)
    frames = (line[None, :] if axis == -1 else line[:, None]).expand(n, n).expand(1, 1, 2, n, n)
    out = resize(frames, 24, 24)
    step = 1.8 / (n - 1)
    centres = (torch.arange(24, dtype=torch.float64) + 0.5) * factor - 0.5
    expected = -0.9 + step * centres
    inner = out.movedim(axis, -1)[..., 4:-4]
    torch.testing.assert_close(inner, expected[4:-4].expand_as(inner), atol=1e-10, rtol=0)


def test_downsampling_removes_what_the_new_grid_cannot_hold():
    """One-pixel stripes have no meaning at a third of the size: without antialiasing they would stay at +-1."""
    stripes = (-1.0) ** torch.arange(63).expand(1, 1, 1, 63, 63)
    assert resize(stripes, 21, 21)[..., 2:-2].abs().max() < 0.1


def test_same_size_is_the_same_tensor():
    frames = torch.randn(1, 3, 2, 8, 9, generator=torch.Generator().manual_seed(0))
    assert resize(frames, 8, 9) is frames


def test_edges_do_not_overshoot():
    frames = torch.full((1, 1, 1, 8, 8), -1.0)
    frames[..., 4:] = 1
    out = resize(frames, 32, 32)
    assert out.min() == -1 and out.max() == 1


def test_frames_and_channels_do_not_mix():
    frames = torch.rand(2, 3, 4, 12, 10, generator=torch.Generator().manual_seed(1)) * 2 - 1
    whole = resize(frames, 6, 5)
    alone = resize(frames[1:, 2:, 3:], 6, 5)
    torch.testing.assert_close(whole[1:, 2:, 3:], alone)


def test_sizes_below_one_are_an_error():
    with pytest.raises(ValueError, match="height=0, width=4"):
        resize(torch.zeros(1, 3, 1, 4, 4), 0, 4)


@pytest.mark.parametrize(
    "available, num_frames, stride", [(17, 17, 1), (33, 17, 2), (32, 17, 1), (77, 16, 5), (5, 1, 1), (9, 2, 8)]
)
def test_stride_is_the_largest_that_fits(available, num_frames, stride):
    assert frame_stride(available, num_frames) == stride
    assert stride * (num_frames - 1) < available
    assert num_frames == 1 or (stride + 1) * (num_frames - 1) >= available


def test_fit_clip_takes_even_frames_from_the_centre():
    num_frames, height, width = 11, 8, 20
    clip = np.zeros((num_frames, height, width, 3), np.uint8)
    clip[:, :, 6:14] = 10 * np.arange(num_frames, dtype=np.uint8)[:, None, None, None]  # the central square, by frame
    clip[:, :, :6] = clip[:, :, 14:] = 255
    fitted = fit_clip(clip, 4, 4, 4)
    assert fitted.shape == (3, 4, 4, 4) and fitted.dtype == torch.float32
    for index, number in enumerate([0, 3, 6, 9]):
        expected = torch.full((3, 4, 4), number * 10 / 127.5 - 1)
        torch.testing.assert_close(fitted[:, index], expected)


def test_fit_clip_crops_rows_of_a_tall_clip_and_may_enlarge():
    clip = np.zeros((2, 20, 8, 3), np.uint8)
    clip[:, 8:12] = 255
    fitted = fit_clip(clip, 2, 16, 32)  # the middle 4 rows of 20, all 8 columns, four times as large
    torch.testing.assert_close(fitted, torch.ones(3, 2, 16, 32))


def test_fit_clip_of_the_right_size_changes_nothing():
    clip = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    fitted = fit_clip(clip, 5, 8, 8)
    assert np.array_equal(((fitted.permute(1, 2, 3, 0) + 1) * 127.5).round().numpy(), clip)


def test_a_clip_that_is_too_short_is_an_error():
    with pytest.raises(ValueError, match="the clip has 3 frames, 5 are needed; .*num_frames=3"):
        fit_clip(np.zeros((3, 4, 4, 3), np.uint8), 5, 4, 4)
    with pytest.raises(ValueError, match="num_frames=0"):
        frame_stride(3, 0)
