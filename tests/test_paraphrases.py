"""The benchmark's paraphrases are what they say: worded as no caption of training, and about the same thing."""

import importlib.util
import re
from pathlib import Path

import pytest

from mutoscope.data.captions import vocabulary
from mutoscope.data.config import COLOURS, DIRECTIONS, SpriteConfig
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation.prompts import prompts

FILE = Path(__file__).resolve().parents[1] / "benchmarks" / "paraphrases.py"
CONFIG = SpriteConfig()
NUM = 400
KNOWN = vocabulary(CONFIG)


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("paraphrases", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9'-]+", text.lower()))


def test_every_colour_direction_and_speed_has_new_words(benchmark):
    assert set(benchmark.NEW_COLOURS) == set(COLOURS) and set(benchmark.NEW_MOTIONS) == set(DIRECTIONS)
    for table in (benchmark.NEW_COLOURS, benchmark.NEW_MOTIONS, benchmark.NEW_SPEEDS):
        texts = [text for several in table.values() for text in several]
        assert len(set(texts)) == len(texts)
        assert not words(" ".join(texts)) - {"a", "at"} & KNOWN


def test_new_words_leave_only_the_digit_to_those_of_training(benchmark):
    digits = set(benchmark.DIGIT_WORDS) | set(benchmark.DIGIT_WORDS.values())
    for question in benchmark.reworded(CONFIG, "new words", prompts(CONFIG, NUM)):
        assert words(question.prompt) & KNOWN <= digits | {"a", "an"}, question.prompt


def test_no_paraphrase_is_a_caption(benchmark):
    captions = set(SpriteClips(CONFIG, "train", 0).captions(range(8192)))
    asked = prompts(CONFIG, NUM)
    kept = benchmark.reworded(CONFIG, "training phrasings", asked)
    seen = [q.prompt in captions for q in kept if not q.combination.held_out]
    assert sum(seen) > 0.2 * len(seen)  # so the comparison below could find one
    for way in ("new sentences", "new words"):
        new = benchmark.reworded(CONFIG, way, asked)
        assert not {question.prompt for question in new} & captions
        assert all(not words(q.prompt) <= KNOWN for q in new)
        assert [q.combination for q in new] == [q.combination for q in asked]


def test_a_new_sentence_keeps_the_words_that_matter(benchmark):
    for question in benchmark.reworded(CONFIG, "new sentences", prompts(CONFIG, NUM)):
        what = question.combination
        assert {what.name, benchmark.DIGIT_WORDS[what.name]} & words(question.prompt)
        assert COLOURS[what.colour] in question.prompt
        assert benchmark.TO_THE[DIRECTIONS[what.direction]] in question.prompt
        assert question.speed is None or question.prompt.endswith(question.speed)
