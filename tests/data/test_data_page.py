import re
from html.parser import HTMLParser

import pytest

from mutoscope.data import page
from mutoscope.data.manifest import ManifestEntry
from mutoscope.data.page import write_page
from mutoscope.data.problems import Problem
from mutoscope.data.scan import Scan

HOSTILE = '<script>alert(1)</script>" onload="x $title ${style} \n'


def a_scan(number, text="a dog", kept=True):
    entries = [
        ManifestEntry(
            file=f"{text}{index}.mp4", caption=text, num_frames=20, fps=10.0, height=48, width=64, codec="h264",
            sha=f"{index:016x}",
        )
        for index in range(number)
    ]  # fmt: skip
    problem = Problem(file=text, reason="cut off", words=text, kept=kept)
    return Scan(".", entries, {entry.file: b"RIFF" for entry in entries}, [problem], 0)


class Reader(HTMLParser):
    """Tags with their attributes, and whether every tag is closed in order."""

    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("text", ["a dog", HOSTILE])
def test_the_page_is_whole_offline_and_escaped(tmp_path, text):
    write_page(a_scan(3, text), tmp_path / "data.html", title=text, style="", command=text)
    html = (tmp_path / "data.html").read_text()
    reader = Reader()
    reader.feed(html)
    assert reader.open == [] and [tag for tag, _ in reader.tags].count("script") == 1
    assert not [attrs for _, attrs in reader.tags if "onload" in attrs]
    assert all(attrs["src"].startswith("data:image/webp;base64,") for tag, attrs in reader.tags if tag == "img")
    assert not re.search(r"https?:|url\(|@import", html)
    assert [tag for tag, _ in reader.tags].count("figure") == 3
    assert [path.name for path in tmp_path.iterdir()] == ["data.html"]


def test_pictures_are_capped_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MAX_THUMBNAILS", 4)
    write_page(a_scan(10), tmp_path / "data.html", title="t", style="", command="")
    html = (tmp_path / "data.html").read_text()
    assert html.count("<img ") == 4 and html.count("<figure") == 10
    assert "Only the first 4 of 10 clips are shown with a picture." in html


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_left_out_stands_open(tmp_path, kept):
    write_page(a_scan(1, kept=kept), tmp_path / "data.html", title="t", style="", command="")
    html = (tmp_path / "data.html").read_text()
    assert ("<details open>" in html) == (not kept) == ('<span class="bad">left out' in html)
