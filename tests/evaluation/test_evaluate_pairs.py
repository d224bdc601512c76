"""Two sprites are judged one by one: real clips pass, clips of other prompts and of one sprite alone fail."""

import pytest
import torch

from mutoscope.data.config import COLOURS, SpriteConfig
from mutoscope.data.pairs import alone
from mutoscope.evaluation.pairs import evaluate_pairs, pair_prompts, real_pairs
from mutoscope.evaluation.pairs_result import PairsEvaluation

CONFIG = SpriteConfig(num_sprites=2, colours=("red", "green", "blue"), bounce_share=0.0, height=48, width=48)
NUM = 48


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("judge")


def test_prompts_have_two_colours_and_all_digits_and_directions():
    asked = pair_prompts(CONFIG, 120, 0)
    assert len(asked) == 120 and len({pair.prompt for pair in asked}) > 100
    for side in ("first", "second"):
        questions = [getattr(pair, side).combination for pair in asked]
        assert len({c.identity for c in questions}) == 10 and len({c.direction for c in questions}) == 8
    for pair in asked:
        first, second = (COLOURS[side.combination.colour] for side in (pair.first, pair.second))
        assert first != second and pair.prompt.count(first) == 1 and pair.prompt.count(second) == 1


def answers(seed, asked=None):
    """A perfect model: real clips of the prompts, or of other ones."""
    questions = asked or pair_prompts(CONFIG, NUM, 0)
    clips = dict(
        zip((pair.prompt for pair in pair_prompts(CONFIG, NUM, 0)), real_pairs(CONFIG, questions, seed), strict=True)
    )
    return lambda prompts, seeds: torch.stack([clips[prompt] for prompt in prompts])


def test_real_clips_pass_and_those_of_other_prompts_fail(cache):
    right = evaluate_pairs(CONFIG, answers(7), None, num_prompts=NUM, cache=cache).evaluation
    assert right.both.value > 0.85 and right.both.ceiling > 0.85 and right.both.floor < 0.1
    assert right.both.value <= min(right.digits.value, right.directions.value)
    asked = pair_prompts(CONFIG, NUM, 0)
    wrong = evaluate_pairs(CONFIG, answers(7, asked[1:] + asked[:1]), None, num_prompts=NUM, cache=cache).evaluation
    assert wrong.both.value < 0.1
    assert PairsEvaluation.model_validate_json(right.model_dump_json()) == right


def test_one_sprite_alone_is_half_an_answer(cache):
    real, asked = answers(7), pair_prompts(CONFIG, NUM, 0)

    def half(prompts, seeds):
        import numpy as np

        colours = {pair.prompt: pair.first.combination.colour for pair in asked}
        return alone(real(prompts, seeds), np.array([colours[prompt] for prompt in prompts]))

    found = evaluate_pairs(CONFIG, half, lambda frames: frames, num_prompts=NUM, cache=cache).evaluation
    assert found.both.value == 0 and found.first.all_correct.value > 0.85 and found.second.blank.value == 1
    assert found.psnr is not None and found.psnr.value > 90
