"""Pictures of every page of the studio, at the widths of a phone and of a large screen, light and dark.

Command: python benchmarks/studio_screenshots.py ADDRESS --run NAME [--out DIR]
Needs:   Chromium, and a studio that runs: mutoscope studio --no-browser
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = (360, 1600)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--run", required=True, help="a run to show")
    parser.add_argument("--compare", default="", help="runs to show beside each other: a,b")
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    pages = {
        "runs": "#/runs",
        "run": f"#/run/{given.run}",
        "train": "#/train",
        "generate": "#/generate",
        "data": "#/data",
        "compare": f"#/compare?runs={given.compare}",
        "figures": "#/learn/figures?figure=noise",
        "learn": "#/learn/exercises?exercise=guide",
        "chapter": "learn/3_latents_and_text.html",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.on("console", lambda line: print(line.type, line.text) if line.type == "error" else None)
                page.on("pageerror", lambda error: print("page error", error))
                for name, place in pages.items():
                    page.goto(given.address + place)
                    page.reload()
                    page.wait_for_selector("h1")
                    if name == "figures":  # computed before it is shown
                        page.wait_for_selector("canvas", timeout=60_000)
                    if name == "chapter":  # the part with an exercise and a figure
                        page.locator("details.moving > summary").first.click()
                        page.wait_for_selector("canvas", timeout=60_000)
                        page.set_viewport_size({"width": width, "height": 1900})
                        page.get_by_text("Exercise: reparameterise.").evaluate("one => one.scrollIntoView()")
                        page.evaluate("scrollBy(0, -120)")
                    page.wait_for_timeout(1200)
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    if wide > width:
                        print(f"{name} at {width}: the page is {wide} wide")
                    page.screenshot(path=given.out / f"{name}-{width}-{scheme}.png", full_page=name != "chapter")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
