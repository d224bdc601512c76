"""The chapters: what they are made of, and the pages they become. That they run is in test_chapters_run.py."""

from html.parser import HTMLParser

import pytest

pytest.importorskip("jupytext", reason="the course's packages are not installed")
import nbformat

from mutoscope.cli.main import main
from mutoscope.learn.chapters import anchor, chapter_names, read_chapter
from mutoscope.learn.exercises import exercises
from mutoscope.learn.markdown import html
from mutoscope.learn.quoted import unmarked
from mutoscope.learn.render import cell_html


@pytest.fixture(params=chapter_names())
def chapter(request):
    return read_chapter(request.param)


def test_sections_have_names_of_their_own(chapter):
    assert len(chapter.sections) >= 5 and len({where for where, _ in chapter.sections}) == len(chapter.sections)


def test_numbers_have_somebody_who_vouches_for_them(chapter):
    assert [
        one for cell in chapter.notebook.cells if cell.cell_type == "markdown" for one in unmarked(cell.source)
    ] == []


def test_cells_to_fill_in_are_the_exercises(chapter):
    asked = [cell.source for cell in chapter.notebook.cells if cell.source.startswith("%%check ")]
    number = int(chapter.name[0])
    assert asked and len(asked) == sum(one.chapter == number for one in exercises().values())
    for source in asked:
        first, _, starter = source.partition("\n")
        assert starter.strip() == exercises()[first.split()[1]].starter.strip()


class Links(HTMLParser):
    """What a page loads, and whether its elements are closed."""

    def __init__(self):
        super().__init__()
        self.loaded, self.anchors, self.wanted = [], set(), set()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors |= {values["id"]} if "id" in values else set()
        if tag in ("img", "script", "link", "iframe") and (values.keys() & {"src", "href"}):
            self.loaded.append(values.get("src") or values.get("href"))
        if tag == "a" and (values.get("href") or "").startswith("#"):
            self.wanted.add(values["href"][1:])


def test_pages_open_offline(tmp_path, capsys):
    assert main(["learn", "build", "--no-run", "--out", str(tmp_path)]) == 0
    for name in chapter_names():
        page = (tmp_path / f"{name}.html").read_text()
        links = Links()
        links.feed(page)
        assert all((one or "").startswith("data:") for one in links.loaded)
        assert links.wanted and links.wanted <= links.anchors
        assert "<math" in page and "<!--" not in page and "@import" not in page and "url(" not in page
        notebook = nbformat.read(tmp_path / f"{name}.ipynb", 4)
        nbformat.validate(notebook)
        assert name in (tmp_path / "index.html").read_text()


def test_outputs_are_shown_and_what_is_text_stays_text():
    def cell(**output):
        return nbformat.v4.new_code_cell("x = 1", outputs=[nbformat.v4.new_output(**output)])

    assert "&lt;b&gt;" in cell_html(cell(output_type="stream", name="stdout", text="<b>"))
    assert "warning" not in cell_html(cell(output_type="stream", name="stderr", text="warning"))
    assert "data:image/png;base64,AAAA" in cell_html(cell(output_type="display_data", data={"image/png": "AAAA"}))
    assert "&lt;i&gt;" in cell_html(cell(output_type="display_data", data={"text/plain": "<i>"}))
    assert "quote" not in cell_html(
        cell(output_type="display_data", data={"application/x-mutoscope-quote+json": {"a": 1}})
    )


def test_formulas_become_mathml_and_marks_go():
    page = html(r"Here $x_t = \sqrt{\bar\alpha_t}$ and **3 dB**<!-- a ±1 -->.")
    assert (
        "<msub>" in page
        and "<msqrt>" in page
        and "<strong>3 dB</strong>" in page
        and "<!--" not in page
        and "$" not in page
    )
    assert 'id="time-is-special"' in html("## Time is special") and anchor("Why not pixels?") == "why-not-pixels"


def test_wrong_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no chapter '3_latents_and_tex'.*Did you mean '3_latents_and_text'"):
        read_chapter("3_latents_and_tex")
    assert main(["learn", "build", "nothing", "--out", str(tmp_path)]) == 2
