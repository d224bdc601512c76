import pytest
import torch

from mutoscope.data.config import SpriteConfig, digits, disc, shapes
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation.controls import blurred, noisy
from mutoscope.evaluation.judge import (
    SIDE,
    Judge,
    clip_labels,
    config_key,
    crop,
    load_or_train_judge,
    train_judge,
)
from mutoscope.evaluation.tracking import intensity, track


@pytest.mark.slow
def test_judge_of_digits_is_right_on_drawings_and_clips_it_never_saw():
    judge = train_judge(digits(), seed=0)
    print("held-out accuracy", judge.accuracy, "of", judge.num_drawings)
    assert judge.accuracy >= 0.985
    batch = SpriteClips(digits(), "test", 3).batch(range(300))
    truth = torch.from_numpy(batch.truth.identity)
    for name, frames, bound in (
        ("real", batch.frames, 0.985),
        ("blurred", blurred(batch.frames), 0.95),
        ("noisy", noisy(batch.frames, torch.Generator().manual_seed(0), 0.1), 0.97),
    ):
        labels = clip_labels(judge.classify(frames, track(frames)))
        assert (labels == truth).float().mean() >= bound, name


def test_a_judge_repeats_and_comes_back_from_disk(tmp_path):
    first, again = (train_judge(shapes(), seed=3, steps=12) for _ in range(2))
    other = train_judge(shapes(), seed=4, steps=12)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    first.save(tmp_path / "judge.safetensors")
    back = Judge.load(tmp_path / "judge.safetensors")
    assert (back.names, back.accuracy, back.fingerprint) == (first.names, first.accuracy, first.fingerprint)
    assert [p.name for p in tmp_path.iterdir()] == ["judge.safetensors"]


def test_training_beats_chance_quickly_and_probabilities_are_probabilities():
    judge = train_judge(shapes(), steps=60)
    assert judge.accuracy > 0.9
    frames = SpriteClips(shapes(), "test", 0).batch(range(6)).frames
    frames[0, :, 4] = -1
    probabilities = judge.classify(frames, track(frames))
    assert probabilities.shape == (6, 17, 8)
    torch.testing.assert_close(probabilities.sum(2), torch.ones(6, 17))
    torch.testing.assert_close(probabilities[0, 4], torch.full((8,), 1 / 8))  # a blank frame says nothing


def test_a_single_identity_needs_no_training(tmp_path):
    judge = load_or_train_judge(disc(), tmp_path / "cache")
    assert judge.accuracy == 1 and len(list((tmp_path / "cache").iterdir())) == 1
    assert load_or_train_judge(disc(), tmp_path / "cache").fingerprint == judge.fingerprint


def test_the_key_names_the_data():
    assert config_key(digits()) == config_key(SpriteConfig()) != config_key(SpriteConfig(sprite_size=13))


def test_a_window_holds_the_whole_sprite_even_at_the_edge():
    frames = SpriteClips(shapes(), "test", 2).batch(range(40)).frames
    bright = intensity(frames)
    windows = crop(bright, track(frames).centres, shapes().sprite_size)
    assert windows.shape == (40, 17, SIDE, SIDE)
    torch.testing.assert_close(windows.sum((2, 3)), bright.sum((2, 3)) / bright.amax((2, 3)), rtol=0.02, atol=0.5)


def test_clip_labels_multiply_frames():
    probabilities = torch.tensor([[[0.6, 0.4], [0.6, 0.4], [0.01, 0.99]]])
    assert clip_labels(probabilities).tolist() == [1]  # .6 * .6 * .01 < .4 * .4 * .99
