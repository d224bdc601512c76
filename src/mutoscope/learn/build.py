"""Chapters as a folder of pages and notebooks."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..files import whole_file
from .chapters import chapter_names, read_chapter
from .render import index, page, titles
from .run import run_chapter


def build(names: Sequence[str], out: Path, execute: bool, on_line: Callable[[str], None]) -> list[str]:
    """Write out/NAME.html, out/NAME.ipynb and out/index.html; what there is to complain of, a line each.

    names: chapters; none = all. execute: run them first, in out/work. ValueError where a cell fails.
    """
    import nbformat

    chapters = [read_chapter(name) for name in names or chapter_names()]
    out.mkdir(parents=True, exist_ok=True)
    found: list[str] = []
    for chapter in chapters:
        if execute:
            on_line(f"{chapter.name}: running {sum(cell.cell_type == 'code' for cell in chapter.notebook.cells)} cells")
            seconds, wrong = run_chapter(chapter, out / "work")
            on_line(f"{chapter.name}: {seconds:.0f} s")
            found += [f"{chapter.name}: {one}" for one in wrong]
        with whole_file(out / f"{chapter.name}.html") as half:
            half.write_text(page(chapter, titles()), encoding="utf-8")
        with whole_file(out / f"{chapter.name}.ipynb") as half:
            nbformat.write(chapter.notebook, half)
    with whole_file(out / "index.html") as half:
        half.write_text(index([read_chapter(name) for name in chapter_names()]), encoding="utf-8")
    return found
