"""The judge of long videos: real clips are kept, and every way of losing the sprite counts."""

import pytest
import torch

from mutoscope.data.config import COLOURS, shapes
from mutoscope.data.sprites import RGB
from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.long_video import EDGE_FRAMES, judge_ends, long_video, right
from mutoscope.evaluation.prompts import prompts, real_clips

CONFIG = shapes()
NUM = 24


@pytest.fixture(scope="module")
def judge():
    return train_judge(CONFIG, steps=50)


@pytest.fixture(scope="module")
def asked():
    return prompts(CONFIG, NUM)


@pytest.fixture(scope="module")
def long(asked):
    """A real clip with the asked sprite, played forth and back and forth: 51 frames."""
    clips = real_clips(CONFIG, asked, seed=3)
    return torch.cat([clips, clips.flip(2), clips], dim=2)


def test_real_clips_are_kept(long, asked, judge):
    found = judge_ends(long, asked, CONFIG, judge)
    assert found.num_frames == 51 and found.first.count == found.last.count == NUM
    assert found.first.value >= 0.9 and found.kept.value == 1
    assert found.kept.count == round(found.first.value * NUM)
    assert found.kept.low < 1 == pytest.approx(found.kept.high)


@pytest.mark.parametrize("loss", ["gone", "another colour", "another shape", "noise"])
def test_what_is_lost_at_the_end_counts_and_only_there(long, asked, judge, loss):
    spoiled, ok = long.clone(), right(long[:, :, :EDGE_FRAMES], asked, CONFIG, judge)
    end, half = spoiled[:, :, -EDGE_FRAMES:], NUM // 2
    if loss == "gone":
        end[:half] = -1
    elif loss == "another colour":
        others = (torch.tensor([question.combination.colour for question in asked[:half]]) + 1) % len(COLOURS)
        white = end[:half].amax(1, keepdim=True)  # the drawing in white, then in the next colour of the list
        end[:half] = (white + 1) * torch.from_numpy(RGB)[others][:, :, None, None, None] - 1
    elif loss == "another shape":
        for i in range(half):
            mine = asked[i].combination.identity
            j = next(j for j in range(NUM) if ok[j] and asked[j].combination.identity != mine)
            shape = (long[j, :, -EDGE_FRAMES:].amax(0, keepdim=True) + 1) / 2
            colour = long[i, :, -EDGE_FRAMES:].amax((1, 2, 3)) > 0
            end[i] = torch.where(colour[:, None, None, None], 2 * shape - 1, -1.0)
    else:
        end[:half] = torch.rand(end[:half].shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = judge_ends(spoiled, asked, CONFIG, judge)
    assert found.first == judge_ends(long, asked, CONFIG, judge).first
    rest = ok[half:].float().mean().item()
    assert found.last.value <= (half * rest + 1) / NUM  # noise may be judged right once by chance
    assert found.kept.value == pytest.approx(found.last.value * NUM / int(ok.sum()), abs=1.01 / NUM)


def test_asks_for_what_it_says(judge):
    heard = []

    def generate(texts, seeds):
        heard.extend(zip(texts, seeds, strict=True))
        return torch.full((len(texts), 3, 40, 32, 32), -1.0)

    found = long_video(CONFIG, generate, judge, 40, num_prompts=NUM)
    assert [text for text, _ in heard] == [question.prompt for question in prompts(CONFIG, NUM)]
    assert found.first.value == found.last.value == found.kept.value == 0 and found.kept.count == 0
    heard.clear()
    long_video(CONFIG, generate, judge, 40, num_prompts=NUM, bouncing=True)
    assert all(text.endswith(" bouncing") for text, _ in heard) and len({seed for _, seed in heard}) == NUM
    with pytest.raises(ValueError, match="31 frames are too few to tell their ends apart; ask for 32 or more"):
        long_video(CONFIG, generate, judge, 31)
