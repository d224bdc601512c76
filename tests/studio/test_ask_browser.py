"""The panel that asks, in a real browser: streams, cites, stops; without an endpoint, a search."""

import pytest
from real_browser import LONG, NEEDS_CHROMIUM, chromium, not_accessible, opened_page
from speaking_server import Speaker, says, speaking
from studio_process import StudioProcess

pytest.importorskip("jupytext", reason="the course's packages are not installed")
from playwright.sync_api import expect

from mutoscope.learn.chapters import chapter_names

pytestmark = NEEDS_CHROMIUM
SECRET = "sk-live-0123456789abcdef"
CHAPTER = chapter_names()[2]
HOSTILE = '<img src=x onerror="document.title=1"> `a < b` [3.4] [9.9]\n```python\nx = "<b>"\n```\nhttp://here'


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def studio_with(monkeypatch, workspace, url: str = "") -> StudioProcess:
    for name, value in (("URL", url), ("MODEL", "small"), ("KEY", SECRET)):
        monkeypatch.setenv(f"MUTOSCOPE_ASSISTANT_{name}", value)
    return StudioProcess(workspace.folder)


def test_without_an_endpoint_it_searches(browser, workspace, monkeypatch):
    with studio_with(monkeypatch, workspace) as studio, opened_page(browser, studio.address) as page:
        page.goto(f"{studio.address}#/learn/ask")
        page.get_by_label("Your question").fill("why does the VAE look one way in time")
        page.get_by_role("button", name="Search").click()
        link = page.get_by_role("link", name="3.4 Time runs one way")
        expect(link).to_be_visible(timeout=LONG)
        assert not_accessible(page) == []
        page.get_by_label("Your question").fill("zzzz")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_text("Nothing that is written holds")).to_be_visible()
        page.get_by_label("Your question").fill("patchify")
        page.get_by_role("button", name="Search").click()
        page.get_by_text("mutoscope.nn.patch").first.click()
        expect(page.get_by_text("Cut a latent video into")).to_be_visible()
        assert page.get_by_role("button", name="Ask").count() == 0


@pytest.mark.parametrize("scheme, width", [("light", 360), ("dark", 1400)])
def test_an_answer_on_the_page_of_a_chapter(browser, workspace, monkeypatch, scheme, width):
    settings = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with (
        speaking(says("It is causal: ", HOSTILE, pause_s=0.1)) as (url, asked),
        studio_with(monkeypatch, workspace, url) as studio,
        opened_page(browser, studio.address, **settings) as page,
    ):
        seen: list[str] = []
        page.on("response", lambda answer: seen.append(str(answer.headers) + answer.text()))
        page.goto(f"{studio.address}learn/{CHAPTER}.html")
        panel = page.get_by_role("complementary", name="Ask about this chapter")
        panel.get_by_text("Ask", exact=True).first.press("Enter")
        panel.get_by_label("Your question").fill("Why one way?")
        panel.get_by_role("button", name="Ask").click()
        expect(panel.get_by_role("link", name="[3.4]")).to_be_visible(timeout=LONG)
        expect(panel.get_by_text("It has answered.")).to_be_visible(timeout=LONG)
        # What a model writes is text, whatever it looks like.
        assert page.locator(".turn img, .turn b b").count() == 0 and page.title().startswith("Chapter 3")
        expect(panel.locator(".turn")).to_contain_text('<img src=x onerror="document.title=1">')
        expect(panel.locator(".turn code")).to_have_text("a < b")
        expect(panel.locator(".turn pre")).to_have_text('x = "<b>"\n')
        expect(panel.get_by_role("link", name="[9.9]")).to_have_count(0)
        panel.get_by_role("link", name="[3.4]").click()
        assert page.url.endswith("#time-runs-one-way")
        assert "Sections to answer from:" in asked[0]["body"]["messages"][0]["content"]
        assert not_accessible(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.wait_for_timeout(200)
        assert SECRET not in page.content() + "".join(seen) and len(seen) > 5


def test_an_answer_is_stopped_and_a_failure_is_told(browser, workspace, monkeypatch):
    def reply(speaker: Speaker) -> None:
        if "fail" in speaker.said["messages"][-1]["content"]:
            speaker.begin(500, "application/json")
            speaker.write('{"error": "out of memory"}')
            return
        says(*(f"{number} " for number in range(500)), pause_s=0.05)(speaker)

    with (
        speaking(reply) as (url, asked),
        studio_with(monkeypatch, workspace, url) as studio,
        opened_page(browser, studio.address) as page,
    ):
        page.goto(f"{studio.address}#/learn/ask")
        page.get_by_label("Read").select_option(CHAPTER)
        page.get_by_label("Your question").fill("Count.")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_text("0 1 2 3")).to_be_visible(timeout=LONG)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Stopped.")).to_be_visible()
        page.get_by_label("Your question").fill("Now fail.")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_text("It says: out of memory")).to_be_visible(timeout=LONG)
        sent = asked[-1]["body"]["messages"]
        assert [one["role"] for one in sent] == ["system", "user", "assistant", "user"]  # it knows what was said
        assert sent[2]["content"].startswith("0 1 2 3")
