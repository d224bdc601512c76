import pytest
import torch

from mutoscope.data.config import disc
from mutoscope.evaluation import controls
from mutoscope.evaluation.asking import ask, video_seeds
from mutoscope.evaluation.evaluate import evaluate
from mutoscope.evaluation.features import train_features
from mutoscope.evaluation.prompts import prompts, real_clips
from mutoscope.evaluation.quick import quick_adherence

CONFIG, NUM = disc(), 30


@pytest.fixture(scope="module")
def answers():
    """Half of the clips stand still."""
    clips = real_clips(CONFIG, prompts(CONFIG, NUM, 2), seed=77)
    return torch.cat([clips[: NUM // 2], controls.static(clips[NUM // 2 :])])


def test_it_finds_what_the_whole_evaluation_finds(answers, tmp_path, monkeypatch):
    from mutoscope.evaluation import evaluate as module

    monkeypatch.setattr(module, "FEATURE_CLIPS", 8)
    monkeypatch.setattr(module, "train_features", lambda *a, seed: train_features(*a, seed=seed, steps=2))

    def generate(texts, seeds):
        return answers[[seed - 2_000_000 for seed in seeds]]

    quick = quick_adherence(CONFIG, generate, NUM, 2, tmp_path)
    whole = evaluate(CONFIG, generate, num_prompts=NUM, seed=2, cache=tmp_path).evaluation.adherence["all"]
    assert quick.all_correct.value == whole.all_correct.value == 0.5
    assert quick.area == (whole.area and whole.area.model_copy(update={"ceiling": None, "floor": None}))


def test_prompts_are_asked_in_batches_and_in_order():
    asked, calls, shares = prompts(CONFIG, NUM), [], []

    def generate(texts, seeds):
        calls.append((texts, seeds))
        return torch.tensor(seeds).float().view(-1, 1, 1, 1, 1).expand(-1, 1, 8, 32, 32) / 100 - 1

    frames = ask(generate, asked, video_seeds(NUM, 0), CONFIG, shares.append)
    assert [len(texts) for texts, _ in calls] == [24, 6] and shares == [0, 24 / NUM]
    assert [text for texts, _ in calls for text in texts] == [question.prompt for question in asked]
    torch.testing.assert_close(frames[:, 0, 0, 0, 0], torch.arange(NUM) / 100 - 1)
    assert not set(video_seeds(240, 0)) & set(video_seeds(240, 1))


def test_a_diverged_network_is_blank_and_another_shape_an_error():
    asked = prompts(CONFIG, 3)
    black = ask(lambda texts, seeds: torch.full((3, 1, 8, 32, 32), torch.nan), asked, [0, 1, 2], CONFIG)
    assert (black == -1).all()
    with pytest.raises(ValueError, match=r"returned \(3, 3, 8, 32, 32\) for 3 prompts; clips of this data are \(3, 1,"):
        ask(lambda texts, seeds: torch.zeros(3, 3, 8, 32, 32), asked, [0, 1, 2], CONFIG)
