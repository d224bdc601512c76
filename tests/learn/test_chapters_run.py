"""Every chapter from its first cell to its last, as a learner runs it, and its numbers held to what its cells say."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="the course's packages are not installed")
import nbformat

from mutoscope.learn.chapters import Chapter, chapter_names, read_chapter
from mutoscope.learn.quoted import complaints
from mutoscope.learn.run import CellFailed, cell_seconds, run_chapter


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", chapter_names())
def test_a_chapter_runs_and_its_numbers_hold(name, tmp_path):
    file = tmp_path / f"{name}.ipynb"
    nbformat.write(read_chapter(name).notebook, file)
    options = ["--nbmake", "--overwrite", "--nbmake-timeout=300", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(file)]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout[-3000:]
    cells = nbformat.read(file, as_version=4).cells
    took = [cell_seconds(cell) for cell in cells if cell.cell_type == "code"]
    print(f"{name}: {sum(took):.0f} s, longest cell {max(took):.0f} s")
    # Other tests run beside it: `mutoscope learn build` on an idle machine is what says how long a cell takes.
    assert complaints(cells) == [] and 0 < sum(took) < 300  # three chapters together in 15 minutes


def small(*cells: str) -> Chapter:
    made = [nbformat.v4.new_markdown_cell("# Chapter 9: small"), *map(nbformat.v4.new_code_cell, cells)]
    return Chapter("9_small", "Chapter 9: small", nbformat.v4.new_notebook(cells=made))


def test_a_cell_that_fails_is_named(tmp_path):
    with pytest.raises(
        CellFailed, match=r"9_small: cell 3, which begins with 'y = nothing': NameError: name 'nothing'"
    ):
        run_chapter(small("x = 1", "y = nothing"), tmp_path)


def test_a_number_that_does_not_match_is_told(tmp_path):
    chapter = small("from mutoscope.learn.quoted import quote\nquote(a=3.0)")
    chapter.notebook.cells.append(nbformat.v4.new_markdown_cell("It is **4**<!-- a -->."))
    seconds, found = run_chapter(chapter, tmp_path)
    assert found == ["**4**: the cell says a = 3, more than 0.5 away."] and seconds > 0


def test_a_process_that_dies_is_told(tmp_path):
    with pytest.raises(CellFailed, match="9_small: cell 2, which begins with 'import os.*its process ended"):
        run_chapter(small("import os; os._exit(1)"), tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_chapter_that_is_stopped_leaves_no_process(tmp_path, number):
    command = [sys.executable, "-m", "mutoscope", "learn", "build", chapter_names()[0], "--out", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as building:
        page = tmp_path / f"{chapter_names()[0]}.html"
        while not (page.is_file() and "data-ran" in page.read_text()):
            assert building.poll() is None
        cells = children(building.pid)
        assert cells
        building.send_signal(number)
        assert building.wait(60) == 130 and building.stderr.read() == "mutoscope: stopped.\n"
    assert not any(Path(f"/proc/{one}").exists() for one in cells)


def children(parent: int) -> list[str]:
    found = Path(f"/proc/{parent}/task").glob("*/children")
    return " ".join(file.read_text() for file in found).split()
