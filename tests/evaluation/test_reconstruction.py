import math

import pytest
import torch

from mutoscope.data.config import digits
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation.reconstruction import background, psnr, ssim


def frames():
    return SpriteClips(digits(), "test", 0).batch(range(3)).frames


def test_psnr_of_a_known_error_is_its_closed_form():
    real = frames() * 0.5
    found = psnr(real + 0.1, real)
    assert found.shape == (3, 17)
    torch.testing.assert_close(found, torch.full((3, 17), 20 * math.log10(2 / 0.1)), rtol=1e-4, atol=1e-3)


def test_psnr_is_per_frame():
    real = frames()
    worse = real.clone()
    worse[1, :, 4] += 0.3 * (real[1, :, 4] < 0)
    found = psnr(worse, real)
    assert found[1, 4] < 20 and (found == 100).sum() == 3 * 17 - 1  # capped where equal


def test_ssim_is_one_for_equal_frames_and_punishes_an_empty_clip():
    real = frames()
    torch.testing.assert_close(ssim(real, real), torch.ones(3, 17))
    assert ssim(background(real), real).max() < 0.95 and psnr(background(real), real).max() < 25


def test_background_is_the_darkest_value_of_each_clip():
    real = torch.stack([torch.zeros(3, 2, 4, 4), torch.ones(3, 2, 4, 4)])
    real[0, 0, 0, 0, 0] = -0.5
    assert background(real)[0].unique().tolist() == [-0.5] and background(real)[1].unique().item() == pytest.approx(1)
