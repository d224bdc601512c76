"""The pages a user reads are true: commands run, snippets run, versions and licences agree."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import mutoscope
from mutoscope.cli.main import VERBS
from mutoscope.pipeline import PACKAGED_MODEL
from mutoscope.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MAX_PACKAGED_BYTES = 12_000_000


def fences(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(text: str) -> list[list[str]]:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("mutoscope ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_names_a_verb_and_a_recipe(page):
    text = page.read_text()
    found = commands("\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)))
    found += [shlex.split(line) for line in re.findall(r"`(mutoscope [a-z]+ [a-z][^`\[…]*)`", text)]
    for command in found:
        assert command[1] in VERBS, command
        if command[1] == "train":
            assert command[2] in RECIPES, command


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^(?:`)?make ([a-z-]+)|`make ([a-z-]+)`", README, re.MULTILINE))
    assert targets
    for target in {a or b for a, b in targets}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_readme_generate_command_runs(tmp_path):
    found = [c for c in commands("\n".join(fences("sh"))) if c[1] == "generate"]
    (command,) = [c for c in found if "--model" not in c]  # the others need a model that the reader trains first
    where = command.index("--out") + 1
    command[where] = str(tmp_path / "videos")
    done = subprocess.run([sys.executable, "-m", *command, "--json"], capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    assert [row["prompt"] for row in rows] == command[2 : where - 1]
    assert all(Path(row["file"]).stat().st_size > 500 for row in rows)


def test_readme_snippet_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(compile(fences("python")[0], "README.md", "exec"), scope)
    assert scope["video"].shape == (17, 32, 32, 3) and scope["video"].dtype == np.uint8
    assert (tmp_path / "red7.mp4").stat().st_size > 500


def test_readme_training_snippet_is_ten_lines_and_trains(tmp_path, monkeypatch):
    snippet = fences("python")[1]
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    quick = snippet.replace("demo", "smoke").replace('"steps": 3000', '"steps": 3')
    scope: dict = {}
    exec(compile(quick, "README.md", "exec"), scope)
    assert scope["video"].shape == (17, 32, 32, 3)


def test_version_stands_at_the_top_of_the_changelog():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first and first[1] == project["version"] == mutoscope.__version__


def test_one_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0" and "Apache-2.0" in README
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_speeds_in_the_readme_are_those_of_the_last_run():
    """Of a row: its command, then median (min to max) and whether the aim is met, as docs/performance.md has them."""
    page = (ROOT / "docs" / "performance.md").read_text()
    table = README.partition("### How fast\n")[2].partition("\n### ")[0]
    rows = re.findall(r"`python (benchmarks/\w+\.py)` \| (\S+) \((\S+) to (\S+)\) \| (.+) \|$", table, re.MULTILINE)
    assert len(rows) == table.count("\n|") - 2 >= 8  # all but the head
    for script, median, least, most, aim in rows:
        section = page.partition(f"\n`python {script}`\n")[2].partition("\n## ")[0]
        (row,) = [line for line in section.splitlines() if f" | {least} | {median} | {most} | " in line]
        assert f" {aim.partition(',')[0]}, " in row, row
        assert ("not met" in aim) == ("not met" in row), row


def test_readme_tree_names_real_places():
    for name in re.findall(r"^[├└]── (\S+)", README, re.MULTILINE):
        assert (ROOT / "src" / "mutoscope" / name.rstrip("/")).exists(), name


def test_links_and_pictures_exist():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_packaged_model_is_small():
    assert sum(file.stat().st_size for file in PACKAGED_MODEL.iterdir()) <= MAX_PACKAGED_BYTES
