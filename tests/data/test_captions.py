"""Captions: the plainest forms word for word, every other phrasing parsed back to the same facts."""

import pytest

from mutoscope.data.captions import DIGIT_WORDS, NUM_PHRASINGS, PHRASINGS, SYNONYMS, caption, vocabulary
from mutoscope.data.config import COLOURS, DIRECTIONS, SpriteConfig, digits, disc, shapes
from mutoscope.data.drawings import sprite_names

UNSEEN = {"scarlet", "heading", "west", "east", "north", "south"}
COLOUR_OF = {word: colour for colour, synonym in SYNONYMS.items() for word in (colour, synonym)}
NAME_OF = {word: digit for digit, word in DIGIT_WORDS.items()}
AXIS_OF = {
    "top": "up",
    "up": "up",
    "upwards": "up",
    "bottom": "down",
    "down": "down",
    "downwards": "down",
    "left": "left",
    "leftwards": "left",
    "right": "right",
    "rightwards": "right",
}


def read(sentence: str, names: tuple[str, ...]) -> tuple[str, str | None, str | None, str | None]:
    """(name, colour, direction, speed) a caption states: an independent reading, word by word."""
    words = sentence.split()
    (name,) = {NAME_OF.get(word, word) for word in words} & set(names)
    colours = [COLOUR_OF[word] for word in words if word in COLOUR_OF]
    speeds = [word for word in words if word in ("slowly", "quickly")]
    axes = [AXIS_OF[word] for word in words if word in AXIS_OF]
    assert len(colours) <= 1 and len(speeds) <= 1 and len(axes) <= 2
    assert ("bouncing" in words) == (not axes)
    return name, colours[0] if colours else None, " and ".join(axes) or None, speeds[0] if speeds else None


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("7", "red", "left"), "a red 7 moving left"),
        (("7", "red", "up and left", "slowly"), "a red 7 moving up and left"),
        (("7", "red", None), "a red 7 bouncing"),
        (("7", "red", "left", "slowly", 1), "a red 7 moving left slowly"),
        (("7", "red", "left", "slowly", 2), "a crimson seven moving to the left"),
        (("3", "blue", "up and right", "quickly", 4), "a blue three quickly drifting up and right"),
        (("3", "blue", "down", "quickly", 6), "an azure 3 drifting to the bottom quickly"),
        (("0", "white", None, None, 3), "a white 0 bouncing off the edges"),
        (("0", "green", None, None, 2), "an emerald zero bouncing around"),
    ],
)
def test_captions_word_for_word(arguments, sentence):
    assert caption(digits(), *arguments) == sentence


def test_grey_captions_name_no_colour():
    assert caption(disc(), "disc", None, "left") == "a disc moving left"
    assert caption(SpriteConfig(colours=()), "8", None, "up") == "an 8 moving up"
    assert caption(SpriteConfig(colours=()), "1", None, "up", phrasing=2) == "a one moving to the top"


@pytest.mark.parametrize("config", [digits(), shapes(), disc()], ids=["digits", "shapes", "disc"])
def test_every_phrasing_states_the_same_facts(config):
    names = sprite_names(config)
    for name in names:
        for colour in config.colours or (None,):
            for direction in (*config.directions, None):
                for phrasing in range(NUM_PHRASINGS):
                    sentence = caption(config, name, colour, direction, "slowly", phrasing)
                    says_speed = direction is not None and PHRASINGS[phrasing].speed != ""
                    assert read(sentence, names) == (name, colour, direction, "slowly" if says_speed else None)


def test_without_a_speed_none_is_said():
    sentences = {caption(digits(), "7", "red", "left", None, k) for k in range(NUM_PHRASINGS)}
    assert not any("slowly" in sentence or "quickly" in sentence for sentence in sentences)


def test_phrasings_differ_and_half_the_weight_is_plain():
    sentences = [caption(digits(), "7", "red", "up and left", "slowly", k) for k in range(NUM_PHRASINGS)]
    assert len(set(sentences)) == NUM_PHRASINGS >= 8
    total = sum(phrasing.weight for phrasing in PHRASINGS)
    assert total == pytest.approx(1) and PHRASINGS[0].weight == 0.5
    assert sum(phrasing.weight for phrasing in PHRASINGS if phrasing.speed) == pytest.approx(0.35, abs=0.06)


@pytest.mark.parametrize("config", [digits(), shapes(), disc()], ids=["digits", "shapes", "disc"])
def test_the_vocabulary_is_small_and_keeps_the_unseen_words_out(config):
    words = vocabulary(config)
    assert len(words) < 80 and not words & UNSEEN
    assert {"a", "moving", "bouncing", "slowly", "quickly"} <= words
    assert bool(words & set(COLOURS)) == bool(config.colours)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("disc", "red", "left"), "name='disc' is not drawn by sprites='digits': 0, 1"),
        (("7", "scarlet", "left"), "colour='scarlet' is not known; give one of red, yellow"),
        (("7", "red", "west"), "direction='west' is not known; give one of right, up and right"),
        (("7", "red", "left", None, 99), f"phrasing=99 does not exist; give 0 to {NUM_PHRASINGS - 1}"),
        (("7", "red", "left", None, -1), "phrasing=-1 does not exist"),
    ],
)
def test_unknown_words_are_errors(arguments, message):
    plain = getattr(caption, "__wrapped__", caption)  # the type checker would object before the function does
    with pytest.raises(ValueError, match=message):
        plain(digits(), *arguments)


def test_directions_of_the_tables_are_complete():
    for phrasing in PHRASINGS:
        assert tuple(phrasing.directions) == DIRECTIONS
        assert len(set(phrasing.directions.values())) == len(DIRECTIONS)
