"""Comparisons: what numbers allow to say, and a page that says it."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from mutoscope.data.config import SpriteConfig
from mutoscope.evaluation import comparison as module
from mutoscope.evaluation.adherence import wilson
from mutoscope.evaluation.comparison import (
    Comparison,
    Entry,
    Failure,
    QualityPoint,
    Stage,
    StepsPoint,
    check_motion,
    prepare_exam,
    seconds_at,
    time_per_video,
)
from mutoscope.evaluation.comparison_page import SideBySide, flops, write_comparison
from mutoscope.evaluation.comparison_words import overlap, reached_after, sentences
from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.result import Adherence, Measured
from mutoscope.evaluation.series_plot import Series, multi_line_plot


def share(right, count=100, ceiling=1.0):
    low, high = wilson(right, count)
    return Measured(value=right / count, low=low, high=high, ceiling=ceiling, count=count)


def adherence(right, count=100):
    fields = dict.fromkeys(Adherence.model_fields) | {"all_correct": share(right, count), "blank": share(0, count)}
    fields |= {"direction": share(right, count)}
    return Adherence(**fields)


def entry(name, right, ms=(9.0, 10.0, 11.0), curve=(), steps=(), seconds=100.0):
    stage = Stage(
        steps=10, seconds=seconds, examples=320, flops_per_example=2e9, flops_per_step=64e9,
        losses=((1.0, 2.0), (50.0, 0.5), (100.0, 0.25)),
    )  # fmt: skip
    return Entry(
        name=name,
        command=f"mutoscope train {name} --out runs/x",
        parameters={"vae": 1000, "denoiser": 2_000_000},
        stages={"vae": stage, "diffusion": stage},
        encode_seconds=5.0,
        peak_memory_mb=512,
        ms_per_video=Measured(value=ms[1], low=ms[0], high=ms[2], count=3),
        sampling_steps=12,
        adherence=adherence(right),
        vae_psnr=30.0,
        quality=tuple(QualityPoint(step=k, seconds=s, all_correct=share(r, 48)) for k, (s, r) in enumerate(curve)),
        by_steps=tuple(StepsPoint(steps=n, all_correct=share(r, 48)) for n, r in steps),
    )


def compared(*entries, failures=()):
    return Comparison(
        budget="240 seconds", num_prompts=100, few_prompts=48, seed=0, entries=entries, failures=tuple(failures)
    )


# -------------------------------------------------------------------------------------------------------- verdicts


def test_overlap_is_of_intervals_and_of_values_where_there_is_none():
    assert overlap(share(90), share(84)) and not overlap(share(90), share(60))
    touching = Measured(value=0.5, low=0.4, high=0.6), Measured(value=0.7, low=0.6, high=0.8)
    assert overlap(*touching) and overlap(*touching[::-1])
    assert not overlap(Measured(value=0.5), Measured(value=0.51)) and overlap(Measured(value=0.5), Measured(value=0.5))


def test_a_clear_winner_is_chosen():
    said = sentences(compared(entry("slow", 40, ms=(1, 2, 3)), entry("good", 95)))
    assert said[0].startswith("Choose “good”: it follows the prompts clearly better")
    assert any("Clearly below “good”: “slow” 40 % (31 – 50 %)" in line for line in said)
    assert not any("At equal quality" in line for line in said)


def test_overlapping_quality_has_no_winner_but_the_fastest():
    said = sentences(compared(entry("a", 95, ms=(38, 40, 42)), entry("b", 91, ms=(11, 12, 13)), entry("c", 30)))
    assert said[0] == (
        "Choose “b”: no entry is clearly better in quality, and of the 2 that are not told apart it makes a video "
        "the fastest."
    )
    assert "At equal quality (intervals overlap) “b” is the fastest per video: “b” 12 ms and “a” 40 ms." in said
    assert any("the intervals overlap. Clearly below “a”: “c”" in line for line in said)


def test_overlapping_quality_and_timing_have_no_winner_at_all():
    said = sentences(compared(entry("a", 95, ms=(9, 10, 13)), entry("b", 91, ms=(11, 12, 13))))
    assert said[0].startswith("Neither quality nor sampling time tells “a” and “b” apart")
    assert not any(word in " ".join(said) for word in ("Choose", "clearly better", "the fastest", "Clearly below"))


def test_among_equals_the_first_to_learn_is_chosen_with_its_doubt():
    late = entry("late", 95, curve=((60, 5), (240, 47)))
    soon = entry("soon", 91, curve=((60, 44), (240, 47)))
    said = sentences(compared(late, soon))
    assert said[0].startswith("Choose “soon”: neither quality nor sampling time tells") and "after 60 s" in said[0]
    assert "one training each" in said[0]


def test_time_to_the_target():
    good = entry("good", 95, curve=((20, 5), (61, 45), (240, 47)))
    bad = entry("bad", 40, curve=((80, 10), (240, 20)))
    point = reached_after(good)
    assert point is not None and point.seconds == 61
    said = sentences(compared(bad, good))
    assert "90 % of what real clips reach: “good” gets there after 61 s, “bad” not within 240 s." in said
    assert "“good” learns the fastest: when it gets there, every other entry is clearly behind." in said


def test_a_faster_curve_whose_interval_overlaps_is_not_called_faster():
    first = entry("first", 95, curve=((60, 44), (240, 47)))
    second = entry("second", 95, curve=((60, 42), (120, 46), (240, 47)))
    said = sentences(compared(first, second))
    assert "90 % of what real clips reach: “first” gets there after 60 s, “second” gets there after 120 s." in said
    assert not any("learns the fastest" in line for line in said)
    near = sentences(compared(first, entry("near", 95, curve=((60, 5), (240, 41)))))
    assert any("“near” not within 240 s (but its interval includes it)" in line for line in near)
    assert any("learns the fastest" in line for line in near)  # at 60 s the other was clearly behind


def test_the_one_behind_gets_at_least_as_much_time():
    """At 60 s nothing is known of `late`; its next point, at 200 s, is as good: no claim."""
    said = sentences(compared(entry("x", 95, curve=((60, 46),)), entry("late", 95, curve=((50, 3), (200, 46)))))
    assert not any("learns the fastest" in line for line in said)


def test_fewest_sampling_steps():
    quick = entry("quick", 95, steps=((2, 10), (4, 43), (8, 46), (50, 47)))
    said = sentences(compared(quick, entry("slow", 95, steps=((2, 1), (4, 3), (8, 10), (50, 47)))))
    assert said[-1] == "Fewest sampling steps that are not clearly worse than more of them: “quick” 4, “slow” 50."
    unlearned = entry("none", 10, steps=((2, 0), (50, 1)))
    assert not any("Fewest" in line for line in sentences(compared(unlearned, unlearned)))


def test_nothing_learned_is_said_first():
    said = sentences(compared(entry("a", 2), entry("b", 3)))
    assert said[0].startswith("No entry reaches 90 % of what real clips reach")
    assert not any("Choose" in line for line in said)


def test_failures_are_told_and_one_survivor_is_no_winner():
    failure = Failure(name="broken", command="mutoscope train broken", reason="loss nan")
    said = sentences(compared(entry("a", 90), failures=[failure]))
    assert said == ["“broken” could not be trained: loss nan", "“a” was measured: there is nothing to compare."]
    assert sentences(compared(failures=[failure]))[-1] == "Nothing was measured: there is nothing to compare."
    both = sentences(compared(entry("a", 90), entry("b", 20), failures=[failure]))
    assert both[0].startswith("Choose “a”") and both[-1] == "“broken” could not be trained: loss nan"


# --------------------------------------------------------------------------------------------------------- numbers


def test_seconds_between_logged_rows_are_on_a_straight_line():
    rows = [(1, 2.0), (11, 12.0), (21, 32.0)]
    assert [seconds_at(step, rows) for step in (1, 6, 11, 16, 21, 30)] == [2, 7, 12, 22, 32, 32]
    assert seconds_at(2, [(4, 8.0)]) == 4 and seconds_at(5, []) == 0


def test_time_per_video_is_a_median_after_a_warm_up(monkeypatch):
    clock, calls = iter([0.0, 4.0, 10.0, 11.0, 20.0, 22.0]), []
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    found = time_per_video(lambda prompts, seeds: calls.append(len(prompts)) or torch.zeros(1), ["a", "b"])
    assert (found.low, found.value, found.high) == (500, 1000, 2000) and calls == [2, 2, 2, 2]


def test_an_exam_of_real_clips_reaches_its_ceiling(monkeypatch):
    monkeypatch.setattr(module, "load_or_train_judge", lambda config, cache: train_judge(config, steps=2))
    config = SpriteConfig(sprites="disc", colours=(), directions=("right", "up"), num_frames=6, height=16, width=16,
                          sprite_size=8, slow_speed=0.5, fast_speed=1.0, bounce_share=0.0)  # fmt: skip
    exam = prepare_exam(config, 8, 0, None)
    perfect, frames = exam.grade(lambda prompts, seeds: exam.real[seeds])
    assert torch.equal(frames, exam.real) and perfect.all_correct.value == perfect.all_correct.ceiling > 0.5
    blind, frames = exam.grade(lambda prompts, seeds: torch.full_like(exam.real[seeds], float("nan")))
    assert blind.all_correct.value == 0 and bool((frames == -1).all())
    assert exam.psnr(lambda x: x) == 100 > exam.psnr(lambda x: x * 0.9)
    with pytest.raises(ValueError, match="clips of this data are"):
        exam.grade(lambda prompts, seeds: exam.real[seeds][:, :, :5])


def test_clips_without_motion_are_refused():
    with pytest.raises(ValueError, match="data.num_frames=3 has no motion"):
        check_motion(SpriteConfig(num_frames=3))


# ------------------------------------------------------------------------------------------------------------ page


class Tags(HTMLParser):
    """All tags, and whether every one that opens is closed."""

    def __init__(self, page):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


EVIL = 'demo --x <script>alert(1)</script> & "q"'


@pytest.fixture
def page(tmp_path):
    curve, steps = ((20, 5), (61, 45)), ((2, 10), (50, 47))
    both = compared(
        entry("plain", 95, curve=curve, steps=steps),
        entry(EVIL, 40, curve=curve, steps=steps),
        failures=[Failure(name="<b>broken</b>", command="mutoscope train <i>", reason="loss <nan>")],
    )
    clip = np.zeros((3, 4, 4, 3), np.uint8)
    videos = [SideBySide(f"a <u>{k} moving", (clip, clip)) for k in range(2)]
    return write_comparison(both, videos, tmp_path / "compare.html", fps=8).read_text()


def test_the_page_holds_every_entry_and_escapes(page):
    tags = Tags(page)
    assert tags.open == []
    names = [tag for tag, _ in tags.seen]
    assert "script" not in names and "u" not in names and "b" in names and "i" not in names
    assert EVIL not in page and page.count("demo --x &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;q&quot;") >= 5
    assert "&lt;b&gt;broken&lt;/b&gt;" in page and "loss &lt;nan&gt;" in page and "mutoscope train plain" in page
    images = [attributes for tag, attributes in tags.seen if tag == "img"]
    assert len(images) == 4 and all(image["src"].startswith("data:image/webp;base64,") for image in images)
    assert images[1]["alt"] == f"Video of {EVIL}: a <u>0 moving"
    assert "$" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_the_page_says_first_what_to_choose(page):
    text = re.sub(r"<[^>]+>", " ", page)
    assert text.index("Choose “plain”") < text.index("Entry") < text.index("Quality against training time")
    for words in ("95 %", "89 – 98 %", "after 1 min 01 s", "10 ms", "2 M", "512 MB", "30.0 dB", "2 G", "64 G", "320"):
        assert words in text, words
    assert page.count('<svg class="plot"') == 3


def test_flops_in_words():
    assert [flops(x) for x in (12.0, 3e6, 1.23e10, 4.56e13)] == ["12", "3 M", "12.3 G", "45.6 T"]


def places(svg, kind):
    return [tuple(float(v) for v in found) for found in re.findall(rf'<{kind} [^>]*cx="([\d.]+)" cy="([\d.]+)"', svg)]


def test_series_share_one_pair_of_axes():
    one = Series("one", ((0, 0, 0, 0), (10, 50, 40, 60)))
    two = Series("two <2>", ((0, 100, 100, 100), (5, 50, 50, 50)))
    svg = multi_line_plot([one, two], title="t", x_label="x", y_label="y", y_range=(0, 100))
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = places(svg, "circle")
    assert x0 == x2 and y1 == y3 and y2 < y1 < y0 and abs(x3 - (x0 + x1) / 2) < 0.11 and abs(y1 - (y0 + y2) / 2) < 0.11
    assert svg.count('class="whisker') == 1 and "two &lt;2&gt;" in svg and svg.count("<li>") == 2


def test_logarithmic_axes_leave_out_what_is_not_positive():
    points = tuple((x, y, y, y) for x, y in ((0, 1), (1, 1), (10, 10), (100, 100), (1000, float("nan"))))
    svg = multi_line_plot([Series("s", points)], title="t", x_label="x", y_label="y", log_x=True, log_y=True)
    (x0, y0), (x1, y1), (x2, y2) = places(svg, "circle")
    assert abs(x1 - (x0 + x2) / 2) < 0.11 and abs(y1 - (y0 + y2) / 2) < 0.11
    assert "nothing to plot" in multi_line_plot([Series("s", ())], title="t", x_label="x", y_label="y")
