import pytest
import torch

from mutoscope.data.config import COLOURS, DIRECTIONS, digits, disc, shapes
from mutoscope.data.sprites import SpriteConfig, combinations
from mutoscope.evaluation import controls
from mutoscope.evaluation.adherence import examine, summarise, verdicts, wilson
from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.prompts import asked_speed, prompts, real_clips
from mutoscope.evaluation.tracking import track

CONFIG = shapes()


@pytest.fixture(scope="module")
def judge():
    return train_judge(CONFIG, steps=50)


@pytest.fixture(scope="module")
def asked():
    return prompts(CONFIG, 96, seed=1)


@pytest.fixture(scope="module")
def clips(asked):
    return real_clips(CONFIG, asked, seed=3)


def test_real_clips_do_what_was_asked(judge, asked, clips):
    found = summarise(examine(clips, asked, CONFIG, judge), has_colour=True)
    assert found.all_correct.value > 0.95 and found.colour is not None and found.colour.value == 1
    assert found.direction.value == 1 and found.persistence.value > 0.95 and found.blank.value == 0
    assert found.speed_error is not None and found.speed_error.value < 0.02


def test_permuted_prompts_come_out_at_chance(judge, asked, clips):
    order = torch.randperm(len(asked), generator=torch.Generator().manual_seed(0)).tolist()
    found = summarise(examine(clips, [asked[i] for i in order], CONFIG, judge), has_colour=True)
    assert found.colour is not None
    for share, chance in ((found.identity, 1 / 8), (found.colour, 1 / 7), (found.direction, 1 / 8)):
        assert share.low is not None and share.high is not None and share.low < chance < share.high
    assert found.all_correct.value < 0.05


def test_every_control_fails_where_it_should(judge, asked, clips):
    generator = torch.Generator().manual_seed(0)
    for name, spoiled in {
        "static": controls.static(clips),
        "shuffled": controls.shuffled(clips, generator),
        "noise": controls.pure_noise(clips, generator),
        "blank": torch.full_like(clips, -1),
    }.items():
        found = summarise(examine(spoiled, asked, CONFIG, judge), has_colour=True)
        assert found.direction.value < 0.05 and found.all_correct.value < 0.05, name
        assert (found.blank.value == 1) == (name == "blank")
    spliced = summarise(examine(controls.spliced(clips), asked, CONFIG, judge), has_colour=True)
    assert spliced.persistence.value < 0.3


def test_groups_ceilings_and_intervals(judge, asked, clips):
    findings = examine(clips, asked, CONFIG, judge)
    held_out = torch.tensor([q.combination.held_out for q in asked])
    group = summarise(findings, has_colour=False, ceiling=findings, floor=findings, where=held_out)
    assert group.colour is None and group.identity.count == int(held_out.sum()) == 24
    assert group.identity.ceiling == group.identity.value == group.identity.floor
    assert group.identity.low is not None and group.identity.low < group.identity.value


def test_verdicts_say_what_was_seen(judge, asked, clips):
    rows = verdicts(examine(clips, asked, CONFIG, judge), asked, list(range(len(asked))), judge.names)
    assert rows[5].prompt == asked[5].prompt and rows[5].seed == 5
    assert rows[5].seen_direction == DIRECTIONS[asked[5].combination.direction]
    assert rows[5].seen_colour == COLOURS[asked[5].combination.colour]
    blank = verdicts(examine(torch.full_like(clips[:1], -1), asked[:1], CONFIG, judge), asked[:1], [0], judge.names)
    assert (blank[0].seen_identity, blank[0].seen_direction, blank[0].correct) == ("none", "none", False)


def test_one_clip_per_prompt(judge, asked, clips):
    with pytest.raises(ValueError, match="96 clips for 95 prompts; give one clip per prompt"):
        examine(clips, asked[:-1], CONFIG, judge)


def test_prompts_cover_everything_evenly_and_repeat_with_their_seed():
    config = digits()
    asked = prompts(config, 240, seed=0)
    assert asked == prompts(config, 240, seed=0) != prompts(config, 240, seed=1)
    assert len({q.combination for q in asked}) == 240
    assert {q.combination for q in asked if q.combination.held_out} == {c for c in combinations(config) if c.held_out}
    for values, expected in ((10, "identity"), (7, "colour"), (8, "direction")):
        counts = [sum(getattr(q.combination, expected) == v for q in asked) for v in range(values)]
        assert max(counts) - min(counts) <= 4, (expected, counts)
    speeds = [q.speed for q in asked]
    assert speeds.count(None) == 120 and speeds.count("slowly") == 60
    assert all((q.speed or "ly") in q.prompt or q.speed is None for q in asked)
    assert "slowly" not in "".join(q.prompt for q in asked if q.speed is None)


def test_more_prompts_than_combinations_repeat():
    asked = prompts(disc(), 9)
    assert len(asked) == 9 and {q.combination.direction for q in asked} == {0, 2, 4, 6}
    assert not any(q.combination.held_out for q in asked)
    with pytest.raises(ValueError, match="num=0 prompts cannot be asked"):
        prompts(disc(), 0)


def test_real_clips_show_exactly_what_is_asked():
    config = SpriteConfig(num_frames=9)
    asked = prompts(config, 48, seed=2)
    clips = real_clips(config, asked, seed=4)
    speed = track(clips).speed
    for question, found in zip(asked, speed.tolist(), strict=True):
        wanted = asked_speed(config, question)
        assert wanted is None or found == pytest.approx(wanted, rel=0.05)
    assert not torch.equal(clips, real_clips(config, asked, seed=5))


def test_wilson_interval_closed_form():
    low, high = wilson(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))  # Newcombe 1998
    assert wilson(0, 0) == (0, 1) and wilson(0, 20)[0] == 0 and wilson(20, 20)[1] == pytest.approx(1)
    z, n, k = 1.959964, 50, 31
    for end in wilson(k, n):  # the ends are where the score test is exactly at z
        assert abs(k / n - end) == pytest.approx(z * (end * (1 - end) / n) ** 0.5, rel=1e-6)
