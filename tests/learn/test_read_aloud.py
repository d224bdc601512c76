"""A chapter's page in a real browser: its voice reads sentence by sentence, and the spoken one is marked."""

import pytest
from real_browser import NEEDS_CHROMIUM, chromium, not_accessible, opened_page

pytest.importorskip("jupytext", reason="the course's packages are not installed")
from playwright.sync_api import expect

from mutoscope.learn.build import build
from mutoscope.learn.chapters import chapter_names

pytestmark = NEEDS_CHROMIUM
VOICE = """
window.heard = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
let waiting = null;
Object.defineProperty(window, "speechSynthesis", { value: {
  speak(one) { heard.push(one.text); waiting = setTimeout(() => one.onend(), 150); },
  cancel() { clearTimeout(waiting); },
} });
"""
MUTE = VOICE.replace(
    "setTimeout(() => one.onend(), 150)", 'setTimeout(() => one.onerror({ error: "synthesis-failed" }), 20)'
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    out = tmp_path_factory.mktemp("pages")
    build([chapter_names()[-1]], out, execute=False, on_line=print)
    return f"file://{out}/{chapter_names()[-1]}.html"


def test_sentences_are_read_and_marked(address):
    with chromium() as browser, opened_page(browser, "about:blank") as page:
        page.add_init_script(VOICE)
        page.goto(address)
        page.get_by_role("button", name="Read aloud").click()
        first = page.locator(".spoken").text_content()
        expect(page.locator(".spoken")).not_to_have_text(first)  # it goes on by itself
        page.get_by_role("button", name="Pause").click()
        count = page.evaluate("heard.length")
        expect(page.locator(".spoken")).to_have_count(0)
        page.wait_for_timeout(400)
        assert page.evaluate("heard.length") == count
        page.get_by_role("button", name="Read aloud").click()
        page.get_by_role("button", name="Next sentence").click()
        page.get_by_role("button", name="Sentence before").click()
        heard = page.evaluate("heard")
        assert heard[-1] in heard[:-1] and page.locator(".spoken").count() == 1


def test_without_a_voice_it_says_so(address):
    with chromium() as browser, opened_page(browser, "about:blank") as page:
        page.add_init_script(MUTE)
        page.goto(address)
        page.get_by_role("button", name="Read aloud").click()
        expect(page.get_by_role("status")).to_contain_text("no voice that reads English")
        expect(page.locator(".spoken")).to_have_count(0)


@pytest.mark.parametrize("scheme, width", [("light", 360), ("dark", 1600)])
def test_a_page_is_accessible_and_fits(address, scheme, width):
    settings = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with chromium() as browser, opened_page(browser, address, **settings) as page:
        assert not_accessible(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
