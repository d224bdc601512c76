import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mutoscope.evaluation.plots import Axis, line_plot, smoothed
from mutoscope.evaluation.report import GalleryItem, VaeStrip, read_metrics, write_report
from mutoscope.evaluation.report_tables import count, duration, percent
from mutoscope.evaluation.result import Adherence, ClipVerdict, Distance, Evaluation, Judge, Measured, Reconstruction

EVIL = 'a red <script>alert("7")</script> moving left'
VOID_TAGS = {"meta", "img", "line", "circle", "polyline", "br"}


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
        adherence={"all": found, "seen": found},
        controls={"static": found},
        reconstruction=Reconstruction(psnr=share, ssim=share, adherence=found),
        distance={"frechet": far},
        features="ba9876543210",
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
    assert words.count("✓ as asked") == 1 and words.count("✗ not as asked") == 1


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


def test_numbers_as_people_say_them():
    assert [duration(x) for x in (43, 500, 7500)] == ["43 s", "8 min 20 s", "2 h 05 min"]
    assert [count(x) for x in (950, 12_345, 2_310_000)] == ["950", "12.3 k", "2.31 M"]
    assert [percent(x) for x in (0, 0.004, 0.5, 0.996, 1)] == ["0 %", "0.4 %", "50 %", "99.6 %", "100 %"]


def test_a_clip_is_correct_when_everything_asked_is():
    facts = {"prompt": "p", "seed": 0, "held_out": False, "seen_identity": "7", "seen_colour": "", "seen_direction": ""}
    assert ClipVerdict(**facts, identity=True, colour=True, direction=True).correct
    assert not ClipVerdict(**facts, identity=True, colour=False, direction=True).correct
