"""How long `mutoscope studio` takes to its first page: until the server answers, until an open browser shows it.

Command: python benchmarks/studio_first_page.py
Needs:   Chromium, and an otherwise idle machine
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from playwright.sync_api import sync_playwright

STARTS = 5
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    answers, shows = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        for _ in range(STARTS):
            page.goto("about:blank")
            with tempfile.TemporaryDirectory() as folder:
                begun = time.perf_counter()
                command = [sys.executable, "-m", "mutoscope", "studio", folder, "--no-browser", "--port", "0"]
                with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as studio:
                    assert studio.stdout is not None
                    said = studio.stdout.readline()
                    address = re.search(r"http://\S+", said)
                    assert address, said
                    answers.append(_answered(address[0]) - begun)
                    page.goto(address[0], wait_until="commit")
                    page.wait_for_selector("h1")
                    shows.append(time.perf_counter() - begun)
                    studio.terminate()
        browser.close()
    for name, seconds in (("answers", answers), ("is shown", shows)):
        low, *_, high = ordered = sorted(seconds)
        print(f"{name}: {low:.2f}, {ordered[len(ordered) // 2]:.2f}, {high:.2f} s (least, median, most of {STARTS})")


def _answered(address: str) -> float:
    while True:
        try:
            urllib.request.urlopen(address).read()
            return time.perf_counter()
        except OSError:
            time.sleep(0.01)


if __name__ == "__main__":
    main()
