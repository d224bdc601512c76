"""What a chapter shows: clips that move, rows of frames, grids of numbers, curves, tables, the package's own source.

Everything goes to a notebook as HTML with a description in words, so that it looks alike in Jupyter, on a page made of
the notebook and for who cannot see it. A clip is (c, F, H, W) in [-1, 1], or bytes (F, H, W, 3).
"""

import inspect
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..evaluation.series_plot import Series, multi_line_plot
from ..training.callbacks import Callbacks
from ..video.pixels import to_uint8
from ..video.sheet import contact_sheet
from ..video.write import encode_webp

Clip = Tensor | np.ndarray

PASTEL = ("#dbe9f6", "#fde3cf", "#dff0d8", "#f6dbe4", "#e7e0f5", "#fbf3c8", "#d7efee", "#ecdfd2")
CELL_PX = 34
PACKAGE = Path(__file__).parents[1]
PLOT_STYLE = """<style>
.course-plot { max-width: 34rem; color: #333; } .course-plot .plot { width: 100%; height: auto; }
.course-plot text { fill: currentColor; font-size: 11px; } .course-plot .grid { stroke: #8884; stroke-width: 1; }
.course-plot polyline { fill: none; stroke-width: 2; } .course-plot line.smooth { stroke-width: 2; }
.course-plot .s0 { stroke: #2b6cb0; } .course-plot .s1 { stroke: #d2691e; } .course-plot .s2 { stroke: #2e8b57; }
.course-plot .s3 { stroke: #a23b72; } .course-plot .dot.s0 { fill: #2b6cb0; } .course-plot .dot.s1 { fill: #d2691e; }
.course-plot .dot.s2 { fill: #2e8b57; } .course-plot .dot.s3 { fill: #a23b72; }
.course-plot .legend { display: flex; gap: 1rem; list-style: none; padding: 0; margin: 0; }
.course-plot .legend svg { width: 22px; height: 8px; margin-right: .3rem; }
</style>"""


def show_video(clips: Sequence[Clip], labels: Sequence[str], fps: float = 8.0, scale: int = 4) -> None:
    """Clips that play for ever, side by side, each above its label. scale: pixels of the page per pixel, per side."""
    figures = []
    for clip, label in zip(clips, labels, strict=True):
        frames = _bytes(clip)
        picture = _image(encode_webp(frames, fps, scale), "webp", f"moving picture: {label}")
        figures.append(f'<figure style="margin:0">{picture}<figcaption>{escape(label)}</figcaption></figure>')
    row = '<div style="display:flex;flex-wrap:wrap;gap:12px">' + "".join(figures) + "</div>"
    _show(row, "moving pictures: " + "; ".join(labels))


def show_frames(clips: Sequence[Clip], labels: Sequence[str], num_frames: int = 8, scale: int = 3) -> None:
    """Clips as rows of frames under their labels; `num_frames` of each, evenly spaced."""
    show_picture(contact_sheet([_bytes(clip) for clip in clips], labels, num_frames, scale), "; ".join(labels))


def show_picture(picture: Image.Image, description: str) -> None:
    """A picture as it is, with words for who cannot see it."""
    file = BytesIO()
    picture.save(file, "PNG")
    _show(_image(file.getvalue(), "png", description), f"picture: {description}")


def show_numbers(values: Tensor, groups: Tensor, labels: Sequence[str], description: str) -> None:
    """Tables of whole numbers, side by side: values (n, rows, columns) on colours by groups (the same shape).

    labels: one above each table. Numbers of one group have one colour; colours repeat after eight groups.
    """
    num, rows, columns = values.shape
    width, top, gap = columns * CELL_PX, 26, 24
    font = ImageFont.load_default(14)
    least = max(width, *(round(font.getlength(label)) for label in labels))
    sheet = Image.new("RGB", (num * (least + gap) - gap + 2, rows * CELL_PX + top + 2), "white")
    draw = ImageDraw.Draw(sheet)
    for index in range(num):
        left = index * (least + gap)
        draw.text((left, 4), labels[index], fill="#333333", font=font)
        for row in range(rows):
            for column in range(columns):
                x, y = left + column * CELL_PX, top + row * CELL_PX
                colour = PASTEL[int(groups[index, row, column]) % len(PASTEL)]
                draw.rectangle((x, y, x + CELL_PX, y + CELL_PX), fill=colour, outline="#777777")
                middle = (x + CELL_PX / 2, y + CELL_PX / 2)
                draw.text(middle, str(int(values[index, row, column])), fill="black", font=font, anchor="mm")
    show_picture(sheet, description)


def show_lines(
    lines: dict[str, Sequence[tuple[float, float]]], title: str, x_label: str, y_label: str, dots: bool = False
) -> None:
    """Curves over one pair of axes: (x, y) points by the name of the curve. dots: mark the points of short curves."""
    series = [Series(name, tuple((x, y, y, y) for x, y in points)) for name, points in lines.items()]
    drawn = multi_line_plot(series, title=title, x_label=x_label, y_label=y_label, dots=dots)
    _show(f'{PLOT_STYLE}<div class="course-plot"><strong>{escape(title)}</strong>{drawn}</div>', title)


def show_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A small table; the first column names the row."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    plain = "\n".join("  ".join(str(cell) for cell in row) for row in [header, *rows])
    _show(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", plain)


def show_source(thing: Any) -> None:
    """The source of a function, class or method of the package, under the name of its file."""
    from IPython.display import display

    thing = inspect.unwrap(thing)  # what is written, not what a decorator made of it
    lines, first = inspect.getsourcelines(thing)
    file = Path(inspect.getsourcefile(thing) or "")
    ours = file.is_relative_to(PACKAGE)
    place = file.relative_to(PACKAGE.parent).as_posix() if ours else file.name
    source = inspect.cleandoc("\n" + "".join(lines)) if lines[0].startswith(" ") else "".join(lines)
    text = f"*{place}, line {first or 1}*\n\n```python\n{source.rstrip()}\n```"
    display({"text/markdown": text, "text/plain": source}, raw=True)


def telling() -> Callbacks:
    """Callbacks that keep one line of a notebook up to date while something trains."""
    from IPython.display import display

    line = display({"text/plain": "nothing to train"}, raw=True, display_id=True)

    def on_step(stage: str, step: int, steps: int, loss: float) -> None:
        if line is not None and (step % max(1, steps // 20) == 0 or step == steps):
            line.update({"text/plain": f"{stage}: step {step} of {steps}, loss {loss:.3f}"}, raw=True)

    return Callbacks(on_step=on_step)


def _bytes(clip: Clip) -> np.ndarray:
    return to_uint8(clip.clamp(-1, 1)) if isinstance(clip, torch.Tensor) else clip


def _image(data: bytes, kind: str, description: str) -> str:
    source = f"data:image/{kind};base64,{b64encode(data).decode()}"
    return f'<img src="{source}" alt="{escape(description, quote=True)}" style="max-width:100%">'


def _show(html: str, plain: str) -> None:
    from IPython.display import display

    display({"text/html": html, "text/plain": plain}, raw=True)
