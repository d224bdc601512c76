import math

import pytest
import torch

from mutoscope.data.config import digits, disc, shapes
from mutoscope.data.drawings import RADIUS
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation import controls
from mutoscope.evaluation.adherence import examine, summarise
from mutoscope.evaluation.area import TOLERANCE, area, area_errors, true_area
from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.prompts import prompts, real_clips

CONFIG = disc()


@pytest.fixture(scope="module")
def clips():
    return SpriteClips(CONFIG, "test", 5).batch(range(48)).frames


def share(frames):
    errors = area_errors(frames, CONFIG)
    assert errors is not None
    return (errors <= TOLERANCE).all(1).float().mean().item(), errors.mean().item()


def test_the_true_area_is_that_of_the_circle():
    circle = math.pi * (RADIUS * CONFIG.sprite_size) ** 2
    assert true_area(CONFIG) == pytest.approx(circle, rel=0.01)


def test_identities_with_many_drawings_have_no_true_area(clips):
    assert true_area(digits()) is None and true_area(shapes()) is None
    assert area_errors(SpriteClips(shapes(), "test", 0).batch(range(2)).frames, shapes()) is None


def test_real_discs_are_right_in_every_frame(clips):
    assert share(clips) == (1.0, pytest.approx(0, abs=0.01))


def test_a_decoders_softness_dimness_and_haze_cost_nothing(clips):
    for spoiled in (
        controls.blurred(clips),
        controls.noisy(clips, torch.Generator().manual_seed(0), 0.1),
        0.8 * (clips + 1) - 1,
        (clips + 0.2).clamp(max=1),
    ):
        assert share(spoiled)[0] == 1


@pytest.mark.parametrize("factor", [0.8, 0.85**0.5 - 0.03, 1.15**0.5 + 0.03, 1.2])
def test_scaled_discs_are_wrong_by_their_scale(factor, clips):
    # The disc in the middle of the picture, so that it stays inside when enlarged.
    still = torch.stack([_centred(clip) for clip in clips[:8]])
    right, error = share(controls.shrunk(still, factor))
    assert right == 0 and error == pytest.approx(abs(factor**2 - 1), abs=0.03)


def _centred(clip):
    """Every frame rolled until its disc is in the middle."""
    from mutoscope.evaluation.tracking import track

    shift = (15.5 - track(clip[None]).centres[0]).round().long().tolist()
    return torch.stack([clip[:, k].roll(tuple(s), dims=(1, 2)) for k, s in enumerate(shift)], dim=1)


def test_blank_doubled_and_noise_are_wrong(clips):
    blank, double = torch.full_like(clips, -1), torch.cat([clips, clips], dim=3)
    assert share(blank) == (0.0, 1.0)
    assert share(double) == (0.0, pytest.approx(1, abs=0.02))
    assert share(controls.pure_noise(clips, torch.Generator().manual_seed(0)))[0] == 0


def test_one_wrong_frame_is_enough(clips):
    spoiled = clips.clone()
    spoiled[:, :, 3] = -1
    right, error = share(spoiled)
    assert right == 0 and error == pytest.approx(1 / CONFIG.num_frames, abs=0.01)


def test_adherence_has_area_with_ceiling_and_floor_and_no_identity():
    judge, asked = train_judge(CONFIG), prompts(CONFIG, 16)
    real = examine(real_clips(CONFIG, asked, 1), asked, CONFIG, judge)
    small = examine(controls.shrunk(real_clips(CONFIG, asked, 1)), asked, CONFIG, judge)
    found = summarise(real, has_colour=False, ceiling=real, floor=small)
    assert found.area is not None and (found.area.value, found.area.ceiling, found.area.floor) == (1, 1, 0)
    assert found.area.low is not None and found.area.low < 1
    one_frame = real_clips(CONFIG, asked, 1)
    one_frame[:4, :, 5] = -1
    spoiled = summarise(examine(one_frame, asked, CONFIG, judge), has_colour=False)
    assert spoiled.area is not None and spoiled.area.value == 0.75 and spoiled.all_correct.value == 1
    assert found.area_error is not None and found.area_error.floor == pytest.approx(0.19, abs=0.02)
    assert found.identity is None and found.frame_identity is None and found.persistence is None


def test_half_bright_pixels_count_half():
    frames = torch.full((1, 1, 1, 8, 8), -1.0)
    frames[0, 0, 0, 2:4, 2:5] = 1.0  # six full pixels
    frames[0, 0, 0, 6, 0:2] = 0.0  # and two half ones
    assert area(frames).item() == pytest.approx(7)
