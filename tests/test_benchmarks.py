"""Every benchmark of speed runs, and the page is made of what they say; the figures of tiny shapes mean nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("diffusers", reason="the peers are not installed")

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.slow
def test_the_page_is_made_of_all_benchmarks(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("# old\n\n## Remarks\n\nWritten by a person.\n")
    command = [sys.executable, BENCHMARKS / "performance.py", "--quick", "--out", page]
    subprocess.run(command, check=True, capture_output=True, text=True)
    text = page.read_text()
    for title in (
        "Training step against diffusers",
        "Training step against Latte's and CogVideoX's transformers",
        "Sampling against",
        "VAE against",
        "Against video diffusion in pixels",
        "Streaming",
        "Two processes",
        "Start-up",
    ):
        assert f"## {title}" in text
    assert text.count("target |") == 11 and text.endswith("Written by a person.\n")


def test_quick_figures_never_reach_the_documentation():
    done = subprocess.run([sys.executable, BENCHMARKS / "performance.py", "--quick"], capture_output=True, text=True)
    assert done.returncode == 2 and "Give --out" in done.stderr
