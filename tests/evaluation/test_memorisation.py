import pytest
import torch

from mutoscope.data.config import SpriteConfig, digits, disc
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation.controls import blurred
from mutoscope.evaluation.memorisation import (
    TrainedOn,
    memorisation,
    nearest,
    num_looked_at,
    training_chunks,
)

CONFIG = SpriteConfig(num_frames=9, height=24, width=24, sprite_size=12)
TRAINED = TrainedOn(seed=4, clips=200)


def clips(split, seed, count=100, start=0):
    return SpriteClips(CONFIG, split, seed).batch(range(start, start + count)).frames


def judge(generated):
    return memorisation(generated, clips("test", 1), clips("test", 2), clips("train", 4, 24), CONFIG, TRAINED)


def test_nearest_is_that_of_all_pairs():
    generator = torch.Generator().manual_seed(0)
    some, others = (torch.rand(n, 3, 4, 5, 6, generator=generator) * 2 - 1 for n in (7, 11))
    distance, index = nearest(some, iter(others.split(4)))
    pairs = (some[:, None] - others).square().mean(dim=(2, 3, 4, 5)).sqrt()
    torch.testing.assert_close(distance, pairs.min(1).values)
    assert index.tolist() == pairs.argmin(1).tolist()


def test_small_steps_towards_a_clip_are_followed_over_chunks():
    clip = torch.rand((1, 3, 4, 5, 6), generator=torch.Generator().manual_seed(0)) * 2 - 1
    others = torch.cat([clip + gap for gap in (0.05, 0.04, 0.03, 0.02, 0.01, 0.015)])
    distance, index = nearest(clip, iter(others.split(1)))
    assert index.item() == 4 and distance.item() == pytest.approx(0.01, rel=1e-3)


def test_the_training_clips_are_the_first_ones_and_never_twice_the_same():
    assert num_looked_at(digits(), TrainedOn(0, 8192)) == 1024 and num_looked_at(disc(), TrainedOn(0, 8192)) == 512
    chunks = list(training_chunks(CONFIG, TRAINED))
    assert [len(chunk) for chunk in chunks] == [128, 72]
    assert torch.equal(torch.cat(chunks), clips("train", 4, 200))


def test_training_clips_are_found_and_named():
    found = judge(clips("train", 4, 60, start=100))
    assert found.copied.value == found.copied.floor == 1
    assert found.distance.value == 0 and found.training_clips == 200 and found.training_seed == 4
    assert all(pair.distance == 0 and pair.training_clip == 100 + pair.video for pair in found.nearest)


def test_unseen_clips_are_no_copies():
    found = judge(clips("test", 9))
    assert found.copied.value <= 0.05 and found.copied.ceiling is not None and found.copied.ceiling <= 0.05
    assert found.distance.value == pytest.approx(found.distance.ceiling, rel=0.1)
    assert found.copied.low == 0 or found.copied.value > 0
    # Clips of the same kind that the run did not train on, however many it could have: no copies either.
    assert judge(clips("train", 5)).copied.value < 0.2


def test_softened_and_mixed_copies_are_copies_in_their_share():
    half = torch.cat([blurred(clips("train", 4, 50)), clips("test", 9, 50)])
    found = judge(half)
    assert found.copied.value == pytest.approx(0.5, abs=0.05)
    assert [pair.video == pair.training_clip for pair in found.nearest] == [True] * 3
    assert [pair.distance for pair in found.nearest] == sorted(pair.distance for pair in found.nearest)
