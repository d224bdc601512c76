"""Clips: pure functions of (seed, split, index) whose pixels, captions and truth agree."""

import math

import numpy as np
import pytest
import torch

from mutoscope.data.captions import vocabulary
from mutoscope.data.config import COLOURS, DIRECTIONS, SpriteConfig, digits, disc, shapes
from mutoscope.data.drawings import load_drawings
from mutoscope.data.sprites import (
    BOUNCE_FACTOR,
    HEADINGS,
    RGB,
    SpriteClips,
    combinations,
    is_held_out,
    reflect,
    render,
)

FIELDS = ("identity", "colour", "direction", "speed", "positions", "drawing")
TWO_BY_TWO = SpriteConfig(directions=("up", "down"), colours=("red", "blue"))
PRESETS = pytest.mark.parametrize("preset", [digits, shapes, disc], ids=lambda preset: preset.__name__)


def only_bouncing(**changes) -> SpriteConfig:
    return SpriteConfig(**{"sprites": "shapes", "bounce_share": 1.0} | changes)


def intensity(frames: torch.Tensor) -> np.ndarray:
    """(n, c, F, H, W) in [-1, 1] -> (n, F, H, W) in [0, 1]; every colour has at least one full channel."""
    return ((frames + 1) / 2).amax(1).numpy().astype(np.float64)


def centroids(images: np.ndarray) -> np.ndarray:
    """(..., H, W) -> (..., 2): intensity-weighted centre, row and column."""
    total = images.sum((-2, -1))
    rows, columns = np.arange(images.shape[-2]), np.arange(images.shape[-1])
    return np.stack([images.sum(-1) @ rows / total, images.sum(-2) @ columns / total], -1)


# ---------------------------------------------------------------------------------------------- determinism


@PRESETS
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_clip_is_the_same_in_any_batch(preset, split):
    clips, again = SpriteClips(preset(), split, seed=5), SpriteClips(preset(), split, seed=5)
    big = np.array([2**40 + 3, 7, 0, 2**63 + 11, 1], np.uint64)
    whole = clips.batch(big)
    assert whole.captions == clips.captions(big)
    for k, index in enumerate(big.tolist()):
        alone = again.batch([index])
        assert torch.equal(alone.frames[0], whole.frames[k]) and alone.captions[0] == whole.captions[k]
        truth = clips.truth([index])
        for field in FIELDS:
            assert np.array_equal(getattr(truth, field)[0], getattr(whole.truth, field)[k]), field


def test_bits_do_not_depend_on_the_batch_size():
    clips = SpriteClips(only_bouncing(sprites="digits"), "train", seed=0)  # bouncing uses sines, too
    whole = clips.batch(range(67)).frames
    for first, last in ((0, 1), (1, 9), (60, 67)):
        assert torch.equal(clips.batch(range(first, last)).frames, whole[first:last])


def test_training_clips_repeat_where_they_are_counted():
    counted, endless = disc(), disc().model_copy(update={"num_clips": None})
    clips, more = (SpriteClips(config, "train", seed=0) for config in (counted, endless))
    assert torch.equal(clips.batch(range(512, 520)).frames, clips.batch(range(8)).frames)
    assert clips.captions(range(512, 520)) == clips.captions(range(8))
    assert torch.equal(clips.batch(range(8)).frames, more.batch(range(8)).frames)
    assert not torch.equal(more.batch(range(512, 520)).frames, more.batch(range(8)).frames)
    test = SpriteClips(counted, "test", seed=0)  # unseen clips have no end
    assert not torch.equal(test.batch(range(512, 520)).frames, test.batch(range(8)).frames)


def test_indices_of_any_type_and_none_at_all():
    clips = SpriteClips(disc(), "train", seed=0)
    assert clips.captions(range(4)) == clips.captions([0, 1, 2, 3]) == clips.captions(np.arange(4))
    empty = clips.batch([])
    assert empty.frames.shape == (0, 1, 8, 32, 32) and empty.captions == []
    with pytest.raises(ValueError, match="clip index -3 is outside 0 to"):
        clips.batch([1, -3])


def test_seeds_splits_and_indices_differ():
    reference = SpriteClips(digits(), "train", seed=1).truth(range(64)).positions
    for other in (
        SpriteClips(digits(), "train", seed=2).truth(range(64)),
        SpriteClips(digits(), "test", seed=1).truth(range(64)),
        SpriteClips(digits(), "train", seed=1).truth(range(1, 65)),
    ):
        assert (other.positions != reference).any((1, 2)).all()
    assert len(np.unique(reference[:, 0], axis=0)) == 64


def test_choices_are_uniform_and_independent():
    """Counts of speed x colour and speed x size against the shares of the seen combinations, by chi-square."""
    clips = SpriteClips(SpriteConfig(sprites="shapes", bounce_share=0), "train", seed=3)
    truth = clips.truth(range(8000))
    assert set(truth.speed.tolist()) == {np.float32(0.45), np.float32(1.05)}
    fast = (truth.speed > 0.7).astype(int)
    seen = [c for c in combinations(clips.config) if not c.held_out]
    colours = np.bincount([c.colour for c in seen]) / len(seen)
    sizes = np.full(8, 1 / 8)  # every shape has eight training sizes
    for choice, shares in ((truth.colour, colours), (truth.drawing % 8, sizes)):
        counts = np.bincount(fast * len(shares) + choice, minlength=2 * len(shares))
        expected = len(fast) / 2 * np.concatenate([shares, shares])
        assert ((counts - expected) ** 2 / expected).sum() < 37.7  # 0.999 quantile of 15 degrees of freedom
    drawn = set(zip(truth.identity.tolist(), truth.colour.tolist(), truth.direction.tolist(), strict=True))
    assert drawn == {(c.identity, c.colour, c.direction) for c in seen}


# ---------------------------------------------------------------------------------------------- truth and pixels


@PRESETS
@pytest.mark.parametrize("split", ["train", "test"])
def test_presets_have_their_shapes(preset, split):
    config = preset()
    batch = SpriteClips(config, split, seed=0).batch(range(6))
    channels = 3 if config.colours else 1
    assert batch.frames.shape == (6, channels, config.num_frames, config.height, config.width)
    assert batch.frames.dtype == torch.float32 and batch.frames.min() == -1 and batch.frames.max() <= 1 + 1e-6
    assert batch.truth.positions.shape == (6, config.num_frames, 2) and len(batch.captions) == 6
    assert SpriteClips(config, split, seed=0).shapes(range(6)) == [tuple(frame.shape[1:]) for frame in batch.frames]


@PRESETS
def test_the_centre_of_the_pixels_moves_as_the_truth_says(preset):
    clips = SpriteClips(preset(), "train", seed=0)
    batch = clips.batch(range(64))
    offset = centroids(clips.drawings.images[batch.truth.drawing].astype(np.float64))
    offset -= (clips.config.sprite_size - 1) / 2  # a drawing's centre of mass is not its middle
    expected = batch.truth.positions + offset[:, None]
    np.testing.assert_allclose(centroids(intensity(batch.frames)), expected, atol=2e-3)


@PRESETS
def test_the_direction_holds_in_every_frame(preset):
    clips = SpriteClips(preset(), "train", seed=0)
    truth = clips.truth(range(300))
    straight = truth.direction >= 0
    steps = np.diff(truth.positions.astype(np.float64), axis=1)[straight]
    expected = HEADINGS[truth.direction[straight]] * truth.speed[straight, None]
    np.testing.assert_allclose(steps, np.broadcast_to(expected[:, None], steps.shape), atol=1e-5)


def test_headings_read_as_their_names():
    assert np.linalg.norm(HEADINGS, axis=1) == pytest.approx(1)
    for name, (row, column) in zip(DIRECTIONS, HEADINGS, strict=True):
        assert (row < 0) == ("up" in name) and (row > 0) == ("down" in name)  # rows grow downwards
        assert (column < 0) == ("left" in name) and (column > 0) == ("right" in name)


@PRESETS
@pytest.mark.parametrize("bounce_share", [0.0, 1.0])
def test_a_sprite_never_leaves_the_frame(preset, bounce_share):
    config = preset().model_copy(update={"bounce_share": bounce_share})
    clips = SpriteClips(config, "train", seed=4)
    batch = clips.batch(range(48))
    half = (config.sprite_size - 1) / 2
    positions = clips.truth(range(2000)).positions
    assert positions.min() >= half - 1e-4
    assert positions[..., 0].max() <= config.height - 1 - half + 1e-4
    assert positions[..., 1].max() <= config.width - 1 - half + 1e-4
    mass = intensity(batch.frames).sum((-2, -1))
    drawn = clips.drawings.images[batch.truth.drawing].sum((1, 2))
    np.testing.assert_allclose(mass, np.broadcast_to(drawn[:, None], mass.shape), rtol=1e-3)


def test_starts_fill_the_room_there_is():
    """Moving left slowly for 16 frames leaves 18 - 7.2 pixels of columns and all 18 of rows to start in."""
    config = SpriteConfig(sprites="disc", directions=("left",), fast_speed=0.45, bounce_share=0)
    starts = SpriteClips(config, "train", seed=0).truth(range(4000)).positions[:, 0] - 6.5
    for axis, low, high in ((0, 0, 18), (1, 7.2, 18)):
        assert starts[:, axis].min() == pytest.approx(low, abs=0.05)
        assert starts[:, axis].max() == pytest.approx(high, abs=0.05)
        assert starts[:, axis].mean() == pytest.approx((low + high) / 2, abs=4 * (high - low) / math.sqrt(12 * 4000))


def test_height_is_rows_and_width_is_columns():
    clips = SpriteClips(only_bouncing(height=24, width=48, directions=("left", "right")), "train", seed=0)
    assert clips.batch(range(2)).frames.shape[-2:] == (24, 48)
    positions = clips.truth(range(1000)).positions
    assert positions.max((0, 1)) == pytest.approx([24 - 7.5, 48 - 7.5], abs=0.1)


def test_channels_show_the_colour():
    batch = SpriteClips(shapes(), "train", seed=0).batch(range(80))
    assert set(batch.truth.colour.tolist()) == set(range(len(COLOURS)))
    values = (batch.frames + 1) / 2
    grey = values.amax(1)
    for k, colour in enumerate(batch.truth.colour):
        for channel in range(3):
            torch.testing.assert_close(values[k, channel], grey[k] * float(RGB[colour, channel]))
    assert RGB[COLOURS.index("yellow")].tolist() == [1, 1, 0] and RGB[COLOURS.index("blue")].tolist() == [0, 0, 1]


def test_a_whole_pixel_shift_copies_the_drawing_and_half_a_pixel_averages():
    image = np.random.default_rng(0).random((1, 4, 4), np.float32)
    exact = render(image, np.array([[[3.5, 2.5]]], np.float32), 9, 8)[0, 0]  # top left corner at (2, 1)
    expected = np.zeros((9, 8), np.float32)
    expected[2:6, 1:5] = image[0]
    np.testing.assert_allclose(exact, expected, atol=1e-6)
    half = render(image, np.array([[[4.0, 2.5]]], np.float32), 9, 8)[0, 0]
    np.testing.assert_allclose(half, (expected + np.roll(expected, 1, axis=0)) / 2, atol=1e-6)


# ---------------------------------------------------------------------------------------------- bouncing


def test_reflect_is_a_triangle_wave():
    path = np.array([[-1.0, 0], [0, 4], [3, 5], [4, 7], [9, 8]])
    np.testing.assert_allclose(reflect(path, np.array([4.0, 4.0])), [[1, 0], [0, 4], [3, 3], [4, 1], [1, 0]])


@pytest.mark.parametrize("changes", [{}, {"num_frames": 2}, {"fast_speed": 0.1, "slow_speed": 0.1}, {"height": 15}])
def test_bouncing_sprites_are_mirrored_at_least_once(changes):
    """Speed per axis is constant up to the frames in which an edge is met, and the sense of motion flips."""
    config = only_bouncing(**{"directions": ("left", "right")} | changes)
    if config.height == 15:  # bounces many times in one row of room
        config = config.model_copy(update={"fast_speed": 0.2, "slow_speed": 0.1})
    truth = SpriteClips(config, "train", seed=0).truth(range(500))
    assert (truth.direction == -1).all()
    assert truth.speed == pytest.approx(BOUNCE_FACTOR * config.fast_speed)
    speed = float(truth.speed[0])
    steps = np.diff(truth.positions.astype(np.float64), axis=1)
    room = np.array([config.height, config.width]) - config.sprite_size
    length = np.linalg.norm(steps, axis=-1)
    assert (length <= speed + 1e-4).all()
    if config.num_frames == 2:  # the faster axis turns at 1/4 to 3/4 of the way, so it covers half at most
        assert (length <= math.sqrt(5 / 8) * speed + 1e-4).all()
        return
    corners = truth.positions - (config.sprite_size - 1) / 2
    clear = ((corners > speed) & (corners < room - speed)).all(-1)  # no edge within one step
    assert length[clear[:, :-1]] == pytest.approx(speed, abs=1e-4)
    turned = (np.sign(steps[:, 1:]) * np.sign(steps[:, :-1]) < 0).any((1, 2))
    folded = (length < speed - 1e-4).any(1)
    assert (turned | folded).all() and turned.mean() > 0.95


def test_bouncing_headings_go_everywhere_and_share_is_kept():
    steps = np.diff(SpriteClips(only_bouncing(), "train", seed=0).truth(range(2000)).positions[:, :2], axis=1)[:, 0]
    quadrants = np.bincount((steps[:, 0] > 0) * 2 + (steps[:, 1] > 0), minlength=4)
    assert (np.abs(quadrants - 500) < 100).all()
    bounced = SpriteClips(digits(), "train", seed=0).truth(range(8000)).direction == -1
    assert bounced.mean() == pytest.approx(digits().bounce_share, abs=0.01)
    truth = SpriteClips(only_bouncing(), "train", seed=0).truth(range(2000))
    assert len(set(zip(truth.identity.tolist(), truth.colour.tolist(), strict=True))) == 8 * len(COLOURS)


# ---------------------------------------------------------------------------------------------- combinations


@pytest.mark.parametrize(
    "config", [digits(), shapes(), SpriteConfig(directions=("up", "down"), colours=("red", "blue"))]
)
def test_a_tenth_is_held_out_and_every_pair_is_seen(config):
    found = combinations(config)
    held_out = {(c.identity, c.colour, c.direction) for c in found if c.held_out}
    seen = {(c.identity, c.colour, c.direction) for c in found if not c.held_out}
    assert len(held_out) + len(seen) == len(found) and len(held_out) / len(found) == pytest.approx(0.1, abs=0.02)
    for pair in ((0, 1), (0, 2), (1, 2)):
        assert {(t[pair[0]], t[pair[1]]) for t in held_out} <= {(t[pair[0]], t[pair[1]]) for t in seen}
    rule = is_held_out(*(np.array(values) for values in zip(*sorted(held_out), strict=True)))
    assert rule.all()


def test_combinations_name_what_they_index():
    found = combinations(shapes())
    assert len(found) == 8 * 7 * 8
    for c in found[::29]:
        assert c.caption == f"a {COLOURS[c.colour]} {c.name} moving {DIRECTIONS[c.direction]}"
    assert [c.caption for c in combinations(disc())] == [f"a disc moving {d}" for d in disc().directions]


def test_splits_draw_their_own_combinations():
    held_out = {(c.identity, c.colour, c.direction) for c in combinations(digits()) if c.held_out}
    for split in ("train", "test", "held_out"):
        truth = SpriteClips(digits(), split, seed=0).truth(range(3000))
        drawn = set(zip(truth.identity.tolist(), truth.colour.tolist(), truth.direction.tolist(), strict=True))
        if split == "held_out":
            assert drawn == held_out
        else:
            assert not drawn & held_out


def test_drawings_show_the_identity():
    for split in ("train", "test"):
        clips = SpriteClips(digits(), split, seed=0)
        truth = clips.truth(range(2000))
        assert np.array_equal(clips.drawings.images, load_drawings(digits(), split).images)
        assert np.array_equal(clips.drawings.labels[truth.drawing], truth.identity)
        assert len(np.unique(truth.drawing)) > 0.5 * min(2000, len(clips.drawings.labels))


# ---------------------------------------------------------------------------------------------- captions


@PRESETS
def test_captions_are_true_and_speed_is_said_sometimes(preset):
    clips = SpriteClips(preset(), "train", seed=0)
    sentences, truth = clips.captions(range(2000)), clips.truth(range(2000))
    plain = {(c.identity, c.colour, c.direction): c.caption for c in combinations(clips.config)}
    keys = zip(truth.identity.tolist(), truth.colour.tolist(), truth.direction.tolist(), strict=True)
    plainly = [sentence == plain.get(key) for sentence, key in zip(sentences, keys, strict=True)]
    assert np.mean(plainly) == pytest.approx(0.5 * (1 - clips.config.bounce_share), abs=0.04)
    for sentence, speed, direction in zip(sentences, truth.speed.tolist(), truth.direction.tolist(), strict=True):
        assert ("bouncing" in sentence) == (direction == -1)
        assert "slowly" not in sentence or speed == np.float32(clips.config.slow_speed)
        assert "quickly" not in sentence or speed == np.float32(clips.config.fast_speed)
    said = np.mean(["slowly" in sentence or "quickly" in sentence for sentence in sentences])
    assert 0.3 < said < 0.45
    assert {word for sentence in sentences for word in sentence.split()} <= vocabulary(clips.config)


# ---------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "config, message",
    [
        (
            SpriteConfig(height=24),
            "sprite_size=14 moving 16.8 pixels .* height=24; num_frames up to 10 fits",
        ),
        (SpriteConfig(width=24), r"fast_speed=1.05\) does not fit width=24"),
        (SpriteConfig(sprite_size=40), "sprite_size=40 .*does not fit height=32; sprite_size up to 32 fits"),
        (SpriteConfig(slow_speed=3), "slow_speed=3"),
        (SpriteConfig(sprite_size=32, num_frames=1), "no room to bounce in height=32; set bounce_share=0"),
        (SpriteConfig(directions=()), "split='train' is empty: 10 identities, 7 colours and 0 directions"),
    ],
)
def test_what_does_not_fit_is_an_error(config, message):
    with pytest.raises(ValueError, match=message):
        SpriteClips(config, "train", seed=0)


def test_the_count_the_error_suggests_is_the_largest_that_fits():
    SpriteClips(SpriteConfig(height=24, num_frames=10), "train", seed=0)
    with pytest.raises(ValueError, match="num_frames up to 10 fits"):
        SpriteClips(SpriteConfig(height=24, num_frames=11), "train", seed=0)


def test_directions_that_need_no_room_may_use_a_low_frame():
    SpriteClips(SpriteConfig(height=16, directions=("left", "right")), "train", seed=0)


@pytest.mark.parametrize("config", [disc(), SpriteConfig(colours=("red",)), SpriteConfig(colours=())])
def test_nothing_to_hold_out_is_an_error(config):
    assert not any(c.held_out for c in combinations(config))
    with pytest.raises(ValueError, match="split='held_out' is empty: .* leave no combination; each needs 2"):
        SpriteClips(config, "held_out", seed=0)


def test_an_unknown_split_is_an_error():
    plain = getattr(SpriteClips.__init__, "__wrapped__", SpriteClips.__init__)
    with pytest.raises(ValueError, match="split='val' does not exist; give one of train, test, held_out"):
        plain(object.__new__(SpriteClips), digits(), "val", 0)
