"""Chapters as a folder of pages and notebooks."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..files import whole_file
from .chapters import Chapter, read_chapter, read_chapters
from .render import index, page
from .run import run_chapter


def build(names: Sequence[str], out: Path, execute: bool, on_line: Callable[[str], None]) -> list[str]:
    """Write out/NAME.html, out/NAME.ipynb and out/index.html; what there is to complain of, a line each.

    names: chapters; none = all. execute: run them, in out/work; a page is written after each cell, so it can be read
    meanwhile. ValueError where a cell fails.
    """
    course = read_chapters()
    chapters = [read_chapter(name) for name in names] or course
    out.mkdir(parents=True, exist_ok=True)
    with whole_file(out / "index.html") as half:
        half.write_text(index(course), encoding="utf-8")
    found: list[str] = []
    for chapter in chapters:
        wrong: list[str] = []
        if execute:
            on_line(f"{chapter.name}: running {sum(cell.cell_type == 'code' for cell in chapter.notebook.cells)} cells")
            seconds, wrong = run_chapter(chapter, out / "work", partial(_write, chapter, course, out))
            on_line(f"{chapter.name}: {seconds:.0f} s")
            found += [f"{chapter.name}: {one}" for one in wrong]
        _write(chapter, course, out, wrong)
    return found


def _write(chapter: Chapter, course: Sequence[Chapter], out: Path, wrong: Sequence[str] = ()) -> None:
    import nbformat

    with whole_file(out / f"{chapter.name}.html") as half:
        half.write_text(page(chapter, course, wrong), encoding="utf-8")
    with whole_file(out / f"{chapter.name}.ipynb") as half:
        nbformat.write(chapter.notebook, half)
