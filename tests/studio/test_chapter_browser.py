"""A chapter in the studio, in a real browser: cells run, exercises are written and figures move in the page."""

import pytest
from planted_answers import RIGHT_GUIDE, SWAPPED_GUIDE
from real_browser import LONG, NEEDS_CHROMIUM, chromium, not_accessible, opened_page
from studio_process import StudioProcess

pytest.importorskip("jupytext", reason="the course's packages are not installed")
from playwright.sync_api import expect

from mutoscope.learn.chapters import chapter_names
from mutoscope.learn.exercises import exercises
from mutoscope.learn.figures import figures

pytestmark = NEEDS_CHROMIUM
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
FIRST, _, LAST = chapter_names()


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def studio(workspace):
    with StudioProcess(workspace.folder) as started:
        yield started


def test_exercises_are_written_where_they_are_asked(browser, studio):
    with opened_page(browser, f"{studio.address}learn/{LAST}.html") as page:
        here = [one for one in exercises().values() if one.chapter == 3]
        answers = page.get_by_label("Your Python")
        expect(answers).to_have_count(len(here))
        assert sorted(answer.input_value() for answer in answers.all()) == sorted(one.starter for one in here)
        expect(page.get_by_text("%%check")).to_have_count(0)  # what a notebook needs
        guide = page.get_by_role("region", name="Classifier-free guidance")
        answer, verdict = guide.get_by_label("Your Python"), guide.locator("#verdict")
        answer.fill(SWAPPED_GUIDE)
        guide.get_by_role("button", name="Check").click()
        expect(verdict).to_contain_text("points away from the caption", timeout=LONG)
        answer.fill(RIGHT_GUIDE)
        answer.press("Control+Enter")
        expect(verdict).to_contain_text("✓ right", timeout=LONG)
        assert not_accessible(page) == []
        page.goto(f"{studio.address}#/learn/exercises")
        expect(page.get_by_role("link", name="✓ Classifier-free guidance")).to_be_visible()  # known there, too
        expect(page.get_by_role("link", name="✓")).to_have_count(1)


def test_a_new_line_begins_as_python_wants_it(browser, studio):
    with opened_page(browser, f"{studio.address}#/learn/exercises?exercise=guide") as page:
        answer = page.get_by_label("Your Python")
        answer.fill("def f(x):  # why")
        answer.press("End")
        for line in ("", "if x:", "return 1"):
            answer.press("Enter")
            answer.press_sequentially(line)
        assert answer.input_value() == "def f(x):  # why\n    \n    if x:\n        return 1"


def test_figures_move_where_they_are_spoken_of(browser, studio):
    with opened_page(browser, f"{studio.address}learn/{LAST}.html") as page:
        there = page.locator("details.moving > summary")
        expect(there).to_have_count(len(figures()))
        assert {one.inner_text() for one in there.all()} == {figure.title for figure in figures().values()}
        page.locator("summary", has_text="VAE, patches, tokens, and back").click()
        slider = page.get_by_role("slider", name="token")
        expect(slider).to_be_visible(timeout=LONG)
        said = slider.get_attribute("aria-valuetext")
        slider.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") != said
        assert not_accessible(page) == []


def test_pictures_appear_while_a_chapter_runs(browser, studio):
    with opened_page(browser, f"{studio.address}learn/{FIRST}.html") as page:
        expect(page.locator(".out")).to_have_count(0)
        page.get_by_role("button", name="Run its cells").click()
        expect(page.get_by_role("img", name="moving picture").first).to_be_visible(timeout=LONG)
        expect(page.locator(".cell.running")).to_have_count(1)
        done = page.get_by_role("progressbar", name="cells that are done")
        expect(done).not_to_have_attribute("aria-valuenow", "0")
        assert int(done.get_attribute("aria-valuenow")) < int(done.get_attribute("aria-valuemax"))
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Run it again")).to_be_visible(timeout=LONG)
        expect(page.get_by_text("interrupted")).to_be_visible()
        expect(page.locator(".cell.running")).to_have_count(0)
        shown = page.locator(".out").count()
        page.reload()
        expect(page.locator(".out")).to_have_count(shown)  # it is in the page that is kept
        page.emulate_media(color_scheme="light")
        page.evaluate("localStorage.setItem('theme', 'dark')")
        page.reload()
        expect(page.locator("html")).to_have_css("color-scheme", "dark")  # as chosen in the studio


def test_a_page_that_nobody_sees_holds_no_connection(browser, studio):
    with opened_page(browser, f"{studio.address}#/runs") as page:
        page.add_init_script(
            "window.opened = []; const Plain = EventSource;"
            "window.EventSource = class extends Plain { constructor(...args) { super(...args); opened.push(this) } };"
        )
        page.reload()
        page.wait_for_function("opened.length === 1 && opened[0].readyState === 1")
        page.evaluate(HIDE, True)
        assert page.evaluate("opened[0].readyState") == 2
        expect(page.get_by_text("The connection to the studio is lost")).to_have_count(0)
        studio.ask("api/about")
        with page.expect_response("**/api/jobs*"):  # what was missed is asked for
            page.evaluate(HIDE, False)
        page.wait_for_function("opened.length === 2 && opened[1].readyState === 1")
