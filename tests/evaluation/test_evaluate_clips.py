"""Models of one's own clips whose answers are known beforehand: perfect, wrong, and unable."""

import pytest
import torch
from folder_of_clips import make_folder

from mutoscope.data.clips import FolderClips
from mutoscope.data.config import ClipsConfig
from mutoscope.evaluation import evaluate_clips as module
from mutoscope.evaluation.evaluate_clips import Subject, evaluate_clips
from mutoscope.evaluation.features import train_features


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips") / "set"
    make_folder(folder, (12, 20, 9, 44, 9), test=2)  # the last but one is long enough to be continued twice
    return ClipsConfig(folder=str(folder), num_frames=5, height=16, width=16, fps=10.0)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(module, "train_features", lambda frames: train_features(frames, steps=2))


def perfect(config, shift=0, go_on=None):
    """Answers caption i with a training clip of caption i + shift; its latents are the frames."""
    clips = FolderClips(config, "train", 0)
    of = {clips.captions([i])[0]: clips.batch([i]).frames for i in range(len(clips))}
    names = sorted(of)

    def generate(prompts, seeds):
        return torch.cat([of[names[(names.index(prompt) + shift) % len(names)]] for prompt in prompts])

    return Subject(generate, lambda x: x, lambda z: z, lambda n: n - (n - 1) % 4, go_on, history=5)


def test_a_model_that_follows_is_told_from_one_that_does_not(config):
    right = evaluate_clips(config, perfect(config), num_prompts=7).evaluation
    wrong = evaluate_clips(config, perfect(config, shift=1), num_prompts=7).evaluation
    assert right.num_captions == 3 and right.followed.value == 1 and right.followed.count == 7
    assert wrong.followed.value == 0 and not any(clip.correct for clip in wrong.clips)
    for found in (right, wrong):
        assert found.followed.ceiling == 1
    assert right.followed.floor == 0
    assert all(clip.distance == clip.own_distance for clip in right.clips)
    assert all(clip.distance < clip.own_distance for clip in wrong.clips)


def test_an_autoencoder_that_loses_nothing(config):
    found = evaluate_clips(config, perfect(config), num_prompts=3).evaluation
    assert found.unseen.psnr.value == pytest.approx(100) and found.unseen.ssim.value == pytest.approx(1)
    assert found.unseen.psnr.floor < 30 and found.unseen.frames_per_clip == 5
    assert found.trained.psnr.value == pytest.approx(100)


def test_clips_kept_are_measured_in_shorter_windows_where_they_are_short(config):
    longer = config.model_copy(update={"num_frames": 12})
    found = evaluate_clips(longer, perfect(longer), num_prompts=2).evaluation
    assert found.unseen.frames_per_clip == 9  # the shortest one kept, and 1 + 4 k


def test_repeating_the_last_frame_is_no_better_than_the_floor(config):
    asked = []

    def go_on(start, prompts, seeds, frames):
        asked.append((tuple(start.shape[2:]), frames, tuple(prompts)))
        return torch.cat([start, start[:, :, -1:].expand(-1, -1, frames - start.shape[2], -1, -1)], dim=2)

    done = evaluate_clips(config, perfect(config, go_on=go_on), num_prompts=3)
    found = done.evaluation.continuation
    assert (found.given, found.frames, found.clips) == (5, 16, 2)
    assert asked == [((5, 16, 16), 21, ("a block over pattern 3",) * 2)]
    assert found.psnr.value == pytest.approx(found.psnr.floor) and found.psnr.ceiling > 60
    assert done.real.shape == done.continued.shape == (2, 3, 21, 16, 16)


def test_what_cannot_be_measured_is_said(config, tmp_path):
    make_folder(tmp_path / "one", (9,))
    alone = config.model_copy(update={"folder": str(tmp_path / "one")})
    found = evaluate_clips(alone, perfect(alone), num_prompts=2).evaluation
    assert found.followed is None and found.unseen is None and found.continuation is None
    said = " ".join(found.missing)
    for words in ("one caption", "no clips of the split 'test'", "--diffusion.prefix-share"):
        assert words in said

    make_folder(tmp_path / "short", (9, 3, 3))
    some = config.model_copy(update={"folder": str(tmp_path / "short")})
    missing = evaluate_clips(some, perfect(some), num_prompts=1).evaluation.missing
    assert "2 training clips are too short for 5 frames and left out" in missing
