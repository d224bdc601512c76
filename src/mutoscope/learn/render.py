"""A chapter as one page that opens offline: formulas as MathML, code in colour, pictures inside."""

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from .chapters import Chapter
from .markdown import html
from .quoted import MIME
from .run import TERMINAL


def page(chapter: Chapter, course: Sequence[Chapter], wrong: Sequence[str] = ()) -> str:
    """The whole HTML. course: all chapters, for links. wrong: what its cells say otherwise."""
    sections = "".join(f'<li><a href="#{where}">{escape(title)}</a></li>' for where, title in chapter.sections)
    links = " · ".join(
        f"<b>{escape(one.title)}</b>"
        if one.name == chapter.name
        else f'<a href="{one.name}.html">{escape(one.title)}</a>'
        for one in course
    )
    body = list(map(cell_html, chapter.notebook.cells))
    if wrong:
        body.append(_prose("\n".join(["## What came out otherwise here", "", *(f"* {one}" for one in wrong)])))
    return _template("chapter").substitute(
        title=escape(chapter.title), name=chapter.name, style=_style(), links=links, sections=sections,
        body="\n".join(body), speak=page_file("speak.js"),
    )  # fmt: skip


def index(chapters: Sequence[Chapter]) -> str:
    """A page with all chapters and their sections."""
    parts = []
    for one in chapters:
        inner = "".join(
            f'<li><a href="{one.name}.html#{where}">{escape(title)}</a></li>' for where, title in one.sections
        )
        parts.append(f'<section><h2><a href="{one.name}.html">{escape(one.title)}</a></h2><ol>{inner}</ol></section>')
    return _template("index").substitute(style=_style(), body="\n".join(parts))


def cell_html(cell: Any) -> str:
    """One cell: prose, or code with what came out of it."""
    if cell.cell_type == "markdown":
        return _prose(cell.source)
    outputs = "".join(_output(output) for output in cell.get("outputs", []))
    shown = f'<div class="out">{outputs}</div>' if outputs else ""
    ran = " data-ran" if cell.get("execution_count") else ""
    return f'<section class="cell"{ran}>{code(cell.source)}{shown}</section>'


def _prose(text: str) -> str:
    return f'<section class="prose">{html(text)}</section>'


@cache
def code(source: str) -> str:
    """Python in colour. Kept: while a chapter runs, its page is written after each cell."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return f'<pre class="code" tabindex="0">{highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))}</pre>'


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return "" if output.name == "stderr" else _text(output.text)
    if output.output_type == "error":
        return _text("\n".join(output.traceback))
    data = output.get("data", {})
    if MIME in data:
        return ""
    if "text/html" in data:
        return data["text/html"]
    if "image/png" in data:
        return f'<img alt="a picture" src="data:image/png;base64,{data["image/png"]}">'
    if "text/markdown" in data:
        return html(data["text/markdown"])
    return _text(data.get("text/plain", ""))


def _text(text: str) -> str:
    clean = TERMINAL.sub("", text).rstrip()
    return f'<pre tabindex="0">{escape(clean)}</pre>' if clean else ""


def _template(name: str) -> Template:
    return Template(page_file(f"{name}.html.template"))


@cache
def _style() -> str:
    from pygments.token import STANDARD_TYPES

    colours = [f".code .{name} {{ {_look(kind)} }}" for kind, name in STANDARD_TYPES.items() if name]
    return "\n".join([*colours, page_file("chapter.css")])


def _look(kind: Any) -> str:
    """CSS of a kind of token, in both colour schemes: the page may follow the system's or the studio's."""
    from pygments.styles import get_style_by_name

    light, dark = (get_style_by_name(name).style_for_token(kind) for name in ("default", "monokai"))
    day, night = (f"#{one['color']}" if one["color"] else "currentColor" for one in (light, dark))
    bold, slanted = (
        (" font-weight: bold;" if light["bold"] else ""),
        (" font-style: italic;" if light["italic"] else ""),
    )
    return f"color: light-dark({day}, {night});{bold}{slanted}"


@cache
def page_file(name: str) -> str:
    """One of the files that pages are made of."""
    return files("mutoscope.learn").joinpath("page", name).read_text(encoding="utf-8")
