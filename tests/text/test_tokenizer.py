"""The word tokenizer: the same captions give the same ids, and no prompt crashes it."""

import random
import re

import pytest
import torch

from mutoscope.text.tokenizer import CaptionTokenizer

CAPTIONS = ["a red 7 moving left", "a blue 3 moving up and right", "an azure eight drifting slowly to the top"]


def trained(captions=CAPTIONS, vocabulary_size=64, max_tokens=12):
    return CaptionTokenizer.train(captions, vocabulary_size, max_tokens)


def test_every_word_has_an_id_of_its_own():
    tokenizer = trained()
    words = sorted({word for caption in CAPTIONS for word in caption.split()})
    ids, mask = tokenizer.encode(words)
    assert ids.shape == mask.shape == (len(words), 12)
    assert (mask.sum(1) == 2).all()  # the start token and the word
    assert len(set(ids[:, 1].tolist())) == len(words)
    assert tokenizer.vocabulary_size == len(words) + 3
    assert int(ids.max()) < tokenizer.vocabulary_size


def test_ids_follow_the_words_and_the_rest_is_padding():
    tokenizer = trained()
    ids, mask = tokenizer.encode(["red left red", ""])
    assert mask[0].tolist() == [True] * 4 + [False] * 8
    assert ids[0, 1] == ids[0, 3] != ids[0, 2]
    assert (ids[~mask] == 0).all()
    assert mask[1].tolist() == [True] + [False] * 11  # the empty caption is the start token alone
    assert ids[1, 0] == ids[0, 0]


def test_case_and_spaces_do_not_matter():
    ids, _ = trained().encode(["a red 7 moving left", "  A Red   7 MOVING left "])
    assert torch.equal(ids[0], ids[1])


def test_a_batch_is_its_rows():
    tokenizer = trained()
    ids, mask = tokenizer.encode(CAPTIONS)
    for row, caption in enumerate(CAPTIONS):
        alone = tokenizer.encode([caption])
        assert torch.equal(alone[0][0], ids[row]) and torch.equal(alone[1][0], mask[row])


@pytest.mark.parametrize("seed", range(5))
def test_order_of_the_captions_does_not_matter(seed):
    captions = [f"{a} {b}" for a in "abcdefgh" for b in "stuvw"] + CAPTIONS  # many ties in frequency
    shuffled = captions.copy()
    random.Random(seed).shuffle(shuffled)
    for size in (64, 12):
        expected, _ = trained(captions, size).encode(captions)
        assert torch.equal(trained(shuffled, size).encode(captions)[0], expected)


def test_rare_words_go_first_when_the_vocabulary_is_small():
    tokenizer = trained(["red red red green green blue"], vocabulary_size=5)
    assert tokenizer.vocabulary_size == 5
    assert tokenizer.unknown_words("red green blue") == ["blue"]


def test_words_never_seen_are_named_and_share_one_token():
    tokenizer = trained()
    assert tokenizer.unknown_words("a scarlet 7 heading left") == ["scarlet", "heading"]
    assert tokenizer.unknown_words("a red 7 moving left") == []
    ids, mask = tokenizer.encode(["scarlet", "heading", "red"])
    assert ids[0, 1] == ids[1, 1] != ids[2, 1]
    assert (mask.sum(1) == 2).all()


@pytest.mark.parametrize("prompt", ["a red 🐱 moving left", "ñandú 赤い", "!?…", "\n\t", "🏳️‍🌈", "e\u0301", "\x00"])
def test_strange_prompts_are_encoded(prompt):
    tokenizer = trained()
    ids, mask = tokenizer.encode([prompt])
    assert mask[0, 0] and int(ids.max()) < tokenizer.vocabulary_size
    assert all(word in prompt for word in tokenizer.unknown_words(prompt))


def test_an_emoji_is_an_unknown_word():
    assert trained().unknown_words("a red 🐱 moving left") == ["🐱"]


def test_too_long_prompts_are_refused_by_length():
    tokenizer = trained(max_tokens=5)
    tokenizer.encode(["a red 7 left"])
    message = "the prompt has 5 words, this model reads 4 at most: 'a red 7 moving left'… Shorten it."
    with pytest.raises(ValueError, match=re.escape(message)):
        tokenizer.encode(["red", "a red 7 moving left"])


def test_save_and_load_round_trip(tmp_path):
    tokenizer = trained()
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = CaptionTokenizer.load(tmp_path / "tokenizer.json", 12)
    prompts = [*CAPTIONS, "a scarlet 7", ""]
    for ours, theirs in zip(tokenizer.encode(prompts), loaded.encode(prompts), strict=True):
        assert torch.equal(ours, theirs)
    assert loaded.vocabulary_size == tokenizer.vocabulary_size


@pytest.mark.parametrize("content", [None, "", "{}", "not json"])
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"tokenizer.json is not a tokenizer \(.*Train the model again or restore it"):
        CaptionTokenizer.load(path, 12)
