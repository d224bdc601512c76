import pytest
import torch

from mutoscope.data.config import disc, shapes
from mutoscope.evaluation.adherence import examine
from mutoscope.evaluation.controls import fading, spliced
from mutoscope.evaluation.drift import drift
from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.prompts import prompts, real_clips

CONFIG = shapes()


@pytest.fixture(scope="module")
def judge():
    return train_judge(CONFIG, steps=50)


@pytest.fixture(scope="module")
def asked():
    return prompts(CONFIG, 48, seed=1)


@pytest.fixture(scope="module")
def clips(asked):
    return real_clips(CONFIG, asked, seed=3)


def test_real_clips_hold_out(judge, asked, clips):
    found = drift(clips, examine(clips, asked, CONFIG, judge))
    assert found.identity is not None and len(found.identity) == len(found.blank) == len(found.contrast) == 17
    assert min(found.identity) > 0.85 and max(found.blank) == 0
    assert found.contrast == pytest.approx([1.0] * 17, abs=0.08)


def test_fading_shows_in_contrast_as_it_was_made(judge, asked, clips):
    dark = fading(clips, last=0.2)
    found = drift(dark, examine(dark, asked, CONFIG, judge))
    assert found.contrast[0] == 1 and found.contrast[-1] == pytest.approx(0.2, abs=0.02)
    assert found.contrast[8] == pytest.approx(0.6, abs=0.05)
    assert found.blank[0] == 0 and found.blank[-1] == 1  # below the tracker's peak


def test_what_goes_wrong_half_way_goes_wrong_there(judge, asked, clips):
    changed = spliced(clips)
    found = drift(changed, examine(changed, asked, CONFIG, judge))
    assert found.identity is not None
    assert min(found.identity[:8]) > 0.85 and max(found.identity[8:]) < 0.4
    cut = clips.clone()
    cut[: len(cut) // 4, :, 12:] = -1
    assert drift(cut, examine(cut, asked, CONFIG, judge)).blank == (0.0,) * 12 + (0.25,) * 5


def test_one_identity_and_black_clips():
    config = disc()
    asked = prompts(config, 4)
    black = torch.full((4, 1, 8, 32, 32), -1.0)
    found = drift(black, examine(black, asked, config, train_judge(config)))
    assert found.identity is None and found.blank == (1.0,) * 8 and found.contrast == (0.0,) * 8
