import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mutoscope.evaluation.html_table import count, percent
from mutoscope.evaluation.plots import Axis, line_plot, smoothed
from mutoscope.evaluation.report import GalleryItem, VaeStrip, read_metrics, write_report
from mutoscope.evaluation.result import (
    FVD,
    Adherence,
    ClipVerdict,
    Distance,
    Drift,
    Evaluation,
    Judge,
    Measured,
    Memorisation,
    NearestPair,
    Reconstruction,
    SeedSpread,
)

EVIL = 'a red <script>alert("7")</script> moving left'
VOID_TAGS = {"meta", "img", "line", "circle", "polyline", "br"}


def drift(last: float) -> Drift:
    return Drift(identity=(1.0, 0.9, last), blank=(0.0, 0.0, 0.1), contrast=(1.0, 1.0, last))


def evaluation() -> Evaluation:
    share = Measured(value=0.75, low=0.7, high=0.8, ceiling=0.996, floor=0.1, count=240)
    nothing = Measured(value=0.0, count=240)
    found = Adherence(
        identity=share,
        colour=None,
        direction=share,
        all_correct=share,
        frame_identity=share,
        persistence=share,
        blank=nothing,
        speed_error=None,
    )
    far = Distance(
        generated=3.5, real=0.4, reconstructed=None, shuffled=0.5, static=9, void=True, void_because="shuffled < real"
    )
    return Evaluation(
        num_prompts=240,
        seed=0,
        judge=Judge(accuracy=0.9944, drawings=355, fingerprint="0123456789ab"),
        adherence={"all": found, "seen": found, "held_out": found},
        over_seeds={"all_correct": SeedSpread(mean=0.725, deviation=0.035355, values=(0.7, 0.75))},
        controls={"static": found},
        flicker=Measured(value=1.25, ceiling=0.002, floor=14.5, count=240),
        drift={"generated": drift(0.5), "real": drift(0.97), "fading": drift(0.31)},
        memorisation=Memorisation(
            copied=Measured(value=0.03, ceiling=0.01, floor=0.99, count=240),
            distance=Measured(value=0.234, ceiling=0.25, floor=0.05, count=240),
            limit=0.111,
            training_clips=1024,
            training_seed=0,
            nearest=(NearestPair(video=6, training_clip=815, distance=0.0987),),
        ),
        reconstruction=Reconstruction(psnr=share, ssim=share, adherence=found),
        distance={"frechet": far},
        features="ba9876543210",
        fvd=FVD(protocol="fvd-i3d-240_17f", detector="fedcba987654", generated=321.04, real=54.3),
        clips=(),
        seconds={},
    )


class Page(HTMLParser):
    """Collects addresses and checks that tags nest."""

    def __init__(self, text: str):
        super().__init__()
        self.addresses, self.open, self.tags, self.text = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "poster")]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID_TAGS:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def report(tmp_path, **changes) -> str:
    random = np.random.default_rng(0)
    clip = random.integers(0, 256, (9, 12, 12, 3), dtype=np.uint8)
    arguments = {
        "run_dir": Path("runs/<b>mine"),
        "evaluation": evaluation(),
        "metrics": [{"stage": "vae", "step": s, "loss": 1 / s} for s in range(1, 50)]
        + [{"stage": "diffusion", "step": s, "loss": 2 - s / 100} for s in range(1, 50)],
        "summary": {
            "stages": {"vae": {"seconds": 100.0, "steps": 50, "parameters": 612_345}},
            "peak_memory_mb": 1234.5,
        },
        "vae_strip": VaeStrip(clip, random.normal(size=(8, 3, 3, 3)), clip),
        "gallery": [GalleryItem(EVIL, clip, True), GalleryItem("plain", clip, False)],
        "path": tmp_path / "new" / "report.html",
        "command": "mutoscope train digits & wait",
    }
    return write_report(**(arguments | changes)).read_text(encoding="utf-8")


def test_the_report_is_one_file_that_needs_nothing_else(tmp_path):
    text = report(tmp_path)
    page = Page(text)
    assert page.addresses and all(address.startswith("data:image/") for address in page.addresses)
    assert not re.search(r"https?://|//cdn|@import|url\(", text)
    assert "script" not in page.tags and "link" not in page.tags
    assert "$" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)  # no placeholder left over


def test_everything_from_the_run_is_escaped(tmp_path):
    text = report(tmp_path)
    assert "<script" not in text and "<b>mine" not in text
    assert "&lt;script&gt;" in text and EVIL in Page(text).text
    assert "digits &amp; wait" in text and "shuffled &lt; real" in text


def test_the_numbers_are_there(tmp_path):
    words = Page(report(tmp_path)).text
    for expected in ("75 %", "70 – 80 %", "99.6 %", "99.4%", "1 min 40 s", "612 k", "1,234 MB", "void:", "2000 ms"):
        assert expected in words, expected
    for expected in ("72.5 %", "3.5 %", "70 %, 75 %", "fvd-i3d-240_17f", "fedcba987654", "321.0", "54.3"):
        assert expected in words, expected
    for expected in ("video 7 and clip 815 (0.099)", "nearer than 0.111", "1024 training clips", "1.250", "14.500"):
        assert expected in words, expected
    assert "last frame 50 %, real clips 97 %, real clips that fade 31 %" in words
    assert words.count("✓ as asked") == 1 and words.count("✗ not as asked") == 1


def test_a_memorisation_that_misses_copies_is_void(tmp_path):
    full = evaluation()
    assert full.memorisation is not None and not full.memorisation.blind
    missed = full.memorisation.model_copy(update={"copied": Measured(value=0.03, ceiling=0.01, floor=0.2, count=240)})
    words = "void: copies are not found"
    assert words in Page(report(tmp_path, evaluation=full.model_copy(update={"memorisation": missed}))).text
    assert words not in Page(report(tmp_path)).text


def test_what_does_not_exist_has_no_row(tmp_path):
    full = evaluation()
    one = full.adherence["all"].model_copy(update={"identity": None, "frame_identity": None, "persistence": None})
    one = one.model_copy(update={"area": one.direction, "area_error": Measured(value=0.021, ceiling=0.004, floor=0.19)})
    plain = {"adherence": {"all": one, "seen": one}, "over_seeds": None, "memorisation": None, "fvd": None}
    drifts = {key: value.model_copy(update={"identity": None}) for key, value in full.drift.items()}
    plain |= {"flicker": None, "drift": drifts, "reconstruction": None}
    words = Page(report(tmp_path, evaluation=full.model_copy(update=plain))).text
    for unexpected in ("Identity", "Persistence", "seen in training", "Memorisation", "FVD", "seeds", "digit or shape"):
        assert unexpected not in words, unexpected
    for expected in ("Area error", "right size throughout", "All videos", "Frame by frame", "Contrast"):
        assert expected in words, expected
    words = Page(report(tmp_path)).text
    assert "Combinations never seen in training" in words and "All videos" not in words


def test_rows_of_the_strip_share_their_columns(tmp_path):
    text = report(tmp_path)
    assert re.findall(r"grid-column:(\d+) / span (\d+)", text) == [("2", "1"), ("3", "4"), ("7", "4")]
    assert text.count('alt="original, frame') == text.count('alt="reconstruction, frame') == 9


def test_an_empty_run_still_makes_a_page(tmp_path):
    words = Page(report(tmp_path, evaluation=None, metrics=[], summary={}, vae_strip=None, gallery=[], command="")).text
    for expected in ("Not evaluated yet", "No metrics were logged", "No videos", "No clip", "No summary"):
        assert expected in words


def test_read_metrics_forgives_only_a_torn_last_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 2}\n{"step": 2, "lo')
    assert read_metrics(path) == [{"step": 1, "loss": 2}]
    path.write_text('{"step": 1\n{"step": 2, "loss": 1}\n')
    with pytest.raises(ValueError, match="line 1 is not JSON"):
        read_metrics(path)


def test_axes_put_values_where_they_belong():
    axis = Axis(-2, 0, 100, 0, log=True)
    assert axis.place(0.01) == pytest.approx(100) and axis.place(0.1) == pytest.approx(50) and axis.place(1) == 0
    assert Axis(0, 10, 0, 100).ticks() == [0, 2, 4, 6, 8, 10]
    assert all(0.3 <= tick <= 1.1 for tick in Axis(0.3, 1.1, 0, 1).ticks()) and len(Axis(0.3, 1.1, 0, 1).ticks()) >= 4
    assert axis.ticks() == pytest.approx([0.01, 0.1, 1])


def test_smoothing_keeps_a_line_a_line_and_a_constant_a_constant():
    assert smoothed([3.0] * 9, 2) == pytest.approx([3.0] * 9)
    assert smoothed([float(k) for k in range(9)], 2)[2:-2] == pytest.approx([2, 3, 4, 5, 6])
    assert smoothed([1.0, 5.0], 0) == [1, 5]


def test_plots_choose_and_check_their_scale():
    def plot(values, **options):
        return line_plot(range(len(values)), values, title="t", x_label="x", y_label="loss", **options)

    assert "logarithmic" in plot([10.0, 1, 0.1]) and "logarithmic" not in plot([1.0, 2, 3])
    assert "logarithmic" not in plot([10.0, 0, -1]) and "polyline" in plot([2.0, 2, 2])
    assert "fewer than two" in plot([1.0, float("nan")])
    with pytest.raises(ValueError, match="needs values > 0, got -1. Use log=False"):
        plot([1.0, -1], log=True)


def test_what_values_are_compared_with_is_dashed_on_the_same_axes():
    options = {"title": "t", "x_label": "x", "y_label": "y"}
    alone = line_plot([1, 2], [1.0, 2.0], **options)
    both = line_plot([1, 2], [1.0, 2.0], **options, reference=[0.0, 4.0])
    assert "reference" not in alone
    dashed = re.search(r'class="reference" points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"', both)
    solid = re.search(r'class="raw" points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"', both)
    assert dashed is not None and solid is not None
    (x0, y0, x1, y1), (_, z0, _, z1) = map(float, dashed.groups()), map(float, solid.groups())
    assert (
        x0 < x1 and (y0 - z0) == pytest.approx((y0 - y1) / 4, abs=0.2) and z1 == pytest.approx((y0 + y1) / 2, abs=0.2)
    )


def test_an_evaluation_of_another_protocol_says_what_to_type():
    old = evaluation().model_dump() | {"protocol": "mutoscope-sprites-1"}
    with pytest.raises(
        ValueError, match="protocol mutoscope-sprites-1, this version writes mutoscope-sprites-2; measure"
    ):
        Evaluation.model_validate(old)


def test_numbers_as_people_say_them():
    assert [count(x) for x in (950, 12_345, 2_310_000)] == ["950", "12.3 k", "2.31 M"]
    assert [percent(x) for x in (0, 0.004, 0.5, 0.996, 1)] == ["0 %", "0.4 %", "50 %", "99.6 %", "100 %"]


def test_a_clip_is_correct_when_everything_asked_is():
    facts = {"prompt": "p", "seed": 0, "held_out": False, "seen_identity": "7", "seen_colour": "", "seen_direction": ""}
    assert ClipVerdict(**facts, identity=True, colour=True, direction=True).correct
    assert not ClipVerdict(**facts, identity=True, colour=False, direction=True).correct
