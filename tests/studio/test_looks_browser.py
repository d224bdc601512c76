"""Runs beside each other, the VAE and the words of a video, in a real browser."""

import json
import re

import pytest
from real_browser import LONG, NEEDS_CHROMIUM, chromium, not_accessible, opened_page

pytest.importorskip("playwright", reason="Playwright is not installed")
from playwright.sync_api import expect
from studio_process import StudioProcess

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]


@pytest.fixture
def page(workspace, make_run):
    for name in ("one", "two"):
        make_run(name, weights=True)
    expect.set_options(timeout=LONG)
    with (
        StudioProcess(workspace.folder) as studio,
        chromium() as browser,
        opened_page(browser, studio.address, viewport={"width": 360, "height": 800}) as opened,
    ):
        yield opened


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_from_runs_beside_each_other_to_what_their_words_looked_at(page, workspace):
    address = page.url.split("#")[0]
    page.get_by_role("link", name="Compare").click()
    for name in ("one", "two"):
        page.get_by_role("group", name="Runs").get_by_label(name, exact=True).check()
    chart = page.get_by_role("img", name=re.compile("Loss, diffusion: one .*, two .*"))
    expect(chart).to_be_visible()
    assert page.url.endswith("#/compare?runs=one,two")
    expect(page.get_by_label("Settings that differ", exact=True)).to_contain_text("the same settings")
    line = json.dumps({"stage": "diffusion", "step": 7, "loss": 0.0123, "lr": 0.1, "seconds": 9.0})
    with (workspace.runs / "two" / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    expect(page.get_by_role("img", name=re.compile(r"two 0\.0123"))).to_be_visible()  # without a reload
    assert fits(page)

    prompts = page.get_by_label("The same prompts")
    prompts.get_by_label("prompts", exact=True).fill("a red 7\na blue 3")
    prompts.get_by_role("button", name="Make 4 videos with 2 models").click()
    expect(prompts.locator("td video")).to_have_count(4)
    assert "jobs=" in page.url
    page.reload()
    expect(prompts.locator("td video")).to_have_count(4)
    assert fits(page)

    page.goto(f"{address}#/run/one")
    kept = page.get_by_label("What the VAE keeps", exact=True)
    kept.get_by_role("button", name="Look").click()
    expect(kept.get_by_role("img")).to_have_count(12)
    assert kept.get_by_role("img").last.evaluate("(picture) => picture.decode().then(() => picture.naturalWidth)") > 100
    assert fits(page)

    page.goto(f"{address}#/generate")
    page.get_by_role("button", name="What did each word look at?").first.click()
    words = page.get_by_role("group", name="What did each word look at?").first
    words.get_by_role("button", name="red").or_(words.get_by_role("button", name="blue")).click()
    expect(page.get_by_label(re.compile("under the attention to a word"))).to_have_count(1)
    words.get_by_label("steps").select_option("first third")
    assert not_accessible(page) == []
    words.get_by_role("button", name="video").click()
    expect(page.get_by_label(re.compile("under the attention to a word"))).to_have_count(0)
    assert fits(page)
