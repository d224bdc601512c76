import math

import pytest
import torch

from mutoscope.data.config import digits, disc, shapes
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation.controls import fading, noisy, static
from mutoscope.evaluation.flicker import background_of, flicker

CONFIG = digits()


@pytest.fixture(scope="module")
def clips():
    return SpriteClips(CONFIG, "test", 3).batch(range(24)).frames


@pytest.mark.parametrize("config", [digits(), shapes(), disc()])
def test_moving_sprites_on_black_do_not_flicker(config):
    frames = SpriteClips(config, "test", 3).batch(range(64)).frames
    assert flicker(frames, config.sprite_size).max() < 0.05
    bright = ((frames + 1) / 2).amax(1)
    inside = bright * ~background_of(frames, config.sprite_size)
    torch.testing.assert_close(inside.sum(), bright.sum(), rtol=1e-3, atol=0)


def test_noise_flickers_by_its_closed_form(clips):
    generator = torch.Generator().manual_seed(0)
    grey = clips / 2  # black at -0.5: noise is not cut off there
    for scale in (0.02, 0.05, 0.1):
        expected = scale * 2 / math.sqrt(math.pi) * 255 / 2  # E|a - b| of two independent normal draws
        found = flicker(noisy(grey, generator, scale), CONFIG.sprite_size + 8)
        assert found.mean().item() == pytest.approx(expected, rel=0.03)


def test_a_flashing_background_is_not_excused_by_its_brightness(clips):
    flashing = clips.clone()
    flashing[:, :, 1::2] = flashing[:, :, 1::2].clamp(min=0.0)  # every other frame on half grey
    assert flicker(flashing, CONFIG.sprite_size).min() > 100
    assert flicker(fading(clips, 0.6), CONFIG.sprite_size).max() < 0.05  # the sprite fades, the background stays


def test_a_constant_haze_and_a_still_clip_do_not_flicker(clips):
    assert flicker(static(clips), CONFIG.sprite_size).max() == 0
    assert flicker((clips + 0.2).clamp(max=1), CONFIG.sprite_size).max() < 0.05


def test_no_background_is_nan(clips):
    assert flicker(clips[:2], 64).isnan().all()
