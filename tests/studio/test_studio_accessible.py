"""Every page with something on it, as axe-core sees it: names, roles, contrast, headings, what the keyboard reaches."""

import pytest
from real_browser import NEEDS_CHROMIUM, chromium, not_accessible, opened_page
from studio_clips import clips_in, scanned
from studio_process import StudioProcess

pytestmark = NEEDS_CHROMIUM
PLACES = [
    "runs",
    "run/one",
    "run/nothing",
    "train",
    "generate",
    "data",
    "compare?runs=one,two",
    "learn",
    "learn/figures?figure=words",
    "learn/exercises?exercise=guide",
    "nowhere",
]


@pytest.mark.parametrize("scheme, width", [("light", 360), ("dark", 1600)])
def test_pages_are_accessible(workspace, make_run, scheme, width):
    for name in ("one", "two"):
        make_run(name, weights=True)
    clips_in(workspace.folder / "clips", "one.mp4", "two.mp4")
    scanned(workspace.folder / "clips")
    settings = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with (
        StudioProcess(workspace.folder) as studio,
        chromium() as browser,
        opened_page(browser, studio.address, **settings) as page,
    ):
        found = {}
        for place in PLACES:
            page.goto(f"{studio.address}#/{place}")
            page.locator("h1").first.wait_for()
            if "figure=" in place:
                page.locator("canvas").first.wait_for(timeout=60_000)
            page.wait_for_timeout(300)  # answers come in
            found[place] = not_accessible(page)
    assert found == dict.fromkeys(PLACES, [])
