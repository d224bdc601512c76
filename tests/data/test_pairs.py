"""Clips of two sprites: each is exactly a clip of one, and the caption says both."""

import numpy as np
import pytest
import torch

from mutoscope.data.config import COLOURS, SpriteConfig
from mutoscope.data.open import open_clips
from mutoscope.data.pairs import PairClips, alone, of_one
from mutoscope.data.sprites import SpriteClips

CONFIG = SpriteConfig(num_sprites=2, colours=("red", "green", "blue"), bounce_share=0.0)


def test_each_sprite_is_a_clip_of_its_own_also_where_they_overlap():
    clips = open_clips(CONFIG, "train", 3)
    assert isinstance(clips, PairClips)
    batch = clips.batch(range(12))
    for i in range(12):
        for k, truth in enumerate((batch.first, batch.second)):
            colour = int(truth.colour[i])
            single = SpriteClips(of_one(CONFIG, COLOURS[colour]), "train", 3).batch([2 * i + k])
            assert torch.equal(alone(batch.frames[i : i + 1], np.array([colour])), single.frames)
            assert single.captions[0] in batch.captions[i]
    overlap = (batch.frames > 0).sum(1) > 1
    assert overlap.any()  # some of them do meet


def test_colours_take_turns_and_differ():
    batch = PairClips(CONFIG, "test", 0).batch(range(12))
    pairs = list(zip(batch.first.colour.tolist(), batch.second.colour.tolist(), strict=True))
    assert all(a != b for a, b in pairs) and len(set(pairs)) == 6 and pairs[:6] == pairs[6:]
    same = (batch.first.identity == batch.second.identity) & (batch.first.direction == batch.second.direction)
    assert not same.all()


def test_a_clip_is_a_function_of_its_number():
    clips = PairClips(CONFIG, "train", 0)
    whole = clips.batch([5, 2, 9])
    assert torch.equal(clips.batch([2]).frames, whole.frames[1:2])
    assert clips.captions([5, 2, 9]) == whole.captions and clips.shapes([5]) == [(17, 32, 32)]
    assert PairClips(CONFIG, "train", 1).captions([5]) != clips.captions([5])
    few = PairClips(CONFIG.model_copy(update={"num_clips": 4}), "train", 0)
    assert few.captions(range(4, 8)) == few.captions(range(4))


@pytest.mark.parametrize("colours", [("red",), ("red", "yellow"), ()])
def test_colours_that_cannot_be_told_apart_are_refused(colours):
    with pytest.raises(ValueError, match="--data.colours red green blue"):
        PairClips(CONFIG.model_copy(update={"colours": colours}), "train", 0)
