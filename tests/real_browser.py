"""A real browser, for tests of the studio and of the course's pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LONG = 90_000  # ms: the first job loads torch, on a machine that does other things, too


@contextmanager
def chromium() -> Iterator[Browser]:
    """Started, and closed at the end."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def opened_page(browser: Browser, address: str, **settings) -> Iterator[Page]:
    """A page in which no script may fail."""
    page, wrong = browser.new_page(**settings), []
    page.set_default_timeout(LONG)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    yield page
    page.close()
    assert wrong == []


def not_accessible(page: Page) -> list[str]:
    """What axe-core finds wrong with a page (rules of WCAG and its best practices); empty = nothing."""
    found = Axe().run(page)
    return [f"{wrong['id']}: {wrong['nodes'][0]['html'][:200]}" for wrong in found.response["violations"]]
