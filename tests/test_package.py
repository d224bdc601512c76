"""What is built and installed works without the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILT_FROM = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel's files, unpacked."""
    folder = tmp_path_factory.mktemp("package")
    copy, wheels = folder / "copy", folder / "wheels"  # building leaves files behind
    for name in ("src", "course", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, copy)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(copy)]
    subprocess.run(pip, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "installed")
    return folder / "installed"


def run(installed: Path, cwd: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_every_file_of_the_package_is_in_the_wheel(installed):
    source = ROOT / "src" / "mutoscope"
    files = {
        file.relative_to(source) for file in source.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    }
    there = {file.relative_to(installed / "mutoscope") for file in (installed / "mutoscope").rglob("*")}
    assert len(files) > 200 and files <= there, sorted(files - there)


def test_it_carries_the_chapters_and_what_is_searched(installed):
    for folder, name, pattern in (("course", "chapters", "*.py"), ("docs", "docs", "*.md")):
        files = {file.name for file in (ROOT / folder).glob(pattern)}
        assert files and {file.name for file in (installed / "mutoscope" / "learn" / name).iterdir()} == files


def test_it_makes_a_video_and_finds_its_docs_elsewhere(installed, tmp_path):
    where = run(installed, tmp_path, "-c", "import mutoscope; print(mutoscope.__file__)")
    assert Path(where.strip()).is_relative_to(installed)
    told = run(installed, tmp_path, "-m", "mutoscope", "generate", "a red 7 moving left", "--out", "videos", "--json")
    (video,) = json.loads(told)
    assert (tmp_path / video["file"]).stat().st_size > 500
    assert "docs/scaling.md" in run(installed, tmp_path, "-m", "mutoscope", "learn", "ask", "several machines torchrun")
