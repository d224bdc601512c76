"""A comparison on one page: which model to choose and why, then the numbers, curves and videos behind it.

Everything is inside the file. All text that comes from a user or a run is escaped; the page has no script.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from ..video.write import encode_webp
from ..words import duration
from .comparison import Comparison, Entry
from .comparison_words import reached_after, sentences
from .html_table import count, percent
from .plots import Number
from .report_tables import ROWS
from .result import Measured
from .series_plot import Point, Series, multi_line_plot

NONE = '<span class="none">–</span>'
PARTS = {"vae": "VAE", "text": "text", "denoiser": "denoiser", "diffusion": "diffusion"}


class SideBySide(NamedTuple):
    """One prompt, and what every entry made of it, in the order of `Comparison.entries`."""

    prompt: str
    videos_u8: tuple[UInt8[np.ndarray, "F H W 3"], ...]


def write_comparison(comparison: Comparison, videos: Sequence[SideBySide], path: Path, *, fps: Number) -> Path:
    """Write the page to `path` and return it."""
    folder = files("mutoscope.evaluation")
    style = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "comparison.css"))
    number = len(comparison.entries) + len(comparison.failures)
    page = Template(folder.joinpath("comparison.html.template").read_text(encoding="utf-8")).substitute(
        title=f"{number} models compared",
        style=style,
        lead=escape(
            f"Trained from random weights with seed {comparison.seed}; budget of each: {comparison.budget}. "
            f"{comparison.num_prompts} prompts with the same seeds for all of them."
        ),
        verdict=f'<ul class="verdict">{"".join(f"<li>{escape(line)}</li>" for line in sentences(comparison))}</ul>',
        table=_numbers(comparison),
        curves=_curves(comparison),
        videos=_videos(comparison, videos, fps),
        parts=_parts(comparison),
        commands=_commands(comparison),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


# --------------------------------------------------------------------------------------------------- tables


def _numbers(comparison: Comparison) -> str:
    headings = ("Entry", "Right in everything", "90 % of the ceiling", "Per video", "Training", "Clips seen",
                "FLOPs per clip", "FLOPs per step", "Parameters", "Memory", "VAE")  # fmt: skip
    rows = [(escape(entry.name), *_cells(entry)) for entry in comparison.entries]
    rows += [(escape(failure.name), '<span class="bad">failed</span>', *[NONE] * 9) for failure in comparison.failures]
    notes = (
        "95 % intervals (Wilson’s); of the ceiling: divided by what real clips reach with the same judge. Per video: "
        "the median of three batches with the entry’s own sampling settings. FLOPs: of loss and gradients, without the "
        "optimizer. Memory: the most in use while training."
    )
    return f'<div class="scroll" tabindex="0">{_table(headings, rows)}</div><p class="quiet">{notes}</p>'


def _cells(entry: Entry) -> tuple[str, ...]:
    found, correct = reached_after(entry), entry.adherence.all_correct
    of_ceiling = f"<small>{percent(correct.value / correct.ceiling)} of the ceiling</small>" if correct.ceiling else ""
    if entry.quality:
        reached = "not reached" if found is None else f"after {duration(found.seconds)}"
    else:
        reached = NONE
    stages = {PARTS.get(name, name): stage for name, stage in entry.stages.items()}
    times = {name: duration(stage.seconds) for name, stage in stages.items()}
    times |= {"encoding": duration(entry.encode_seconds)} if entry.encode_seconds else {}
    return (
        f"{_interval(correct)}{of_ceiling}",
        reached,
        f"{entry.ms_per_video.value:.3g} ms<small>{entry.sampling_steps} steps</small>",
        f"{duration(entry.seconds)}<small>{_by_part(times)}</small>",
        _by_part({name: f"{stage.examples:,}" for name, stage in stages.items()}),
        _by_part({name: flops(stage.flops_per_example) for name, stage in stages.items()}),
        _by_part({name: flops(stage.flops_per_step) for name, stage in stages.items()}),
        f"{count(sum(entry.parameters.values()))}<small>"
        f"{_by_part({PARTS.get(name, name): count(number) for name, number in entry.parameters.items()})}</small>",
        f"{entry.peak_memory_mb:,.0f} MB",
        NONE if entry.vae_psnr is None else f"{entry.vae_psnr:.1f} dB",
    )


def _by_part(values: dict[str, str]) -> str:
    return "<br>".join(f"{escape(name)} {value}" for name, value in values.items())


def _parts(comparison: Comparison) -> str:
    """Every measure of the judge, one column each: also those that only some data sets have."""
    if not comparison.entries:
        return '<p class="quiet">No entry was measured.</p>'
    names = [
        name
        for name in type(comparison.entries[0].adherence).model_fields
        if any(isinstance(getattr(entry.adherence, name), Measured) for entry in comparison.entries)
    ]
    headings = ("Entry", *(ROWS[name][0] if name in ROWS else name.replace("_", " ") for name in names))
    rows = [(escape(e.name), *(_part(name, getattr(e.adherence, name)) for name in names)) for e in comparison.entries]
    return f'<div class="scroll" tabindex="0">{_table(headings, rows)}</div>'


def _part(name: str, measured: Measured | None) -> str:
    if measured is None:
        return NONE
    if name == "speed_error":
        return f"{measured.value:.3f} px<small>per frame</small>"
    return _interval(measured)


def _table(headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    """First cells are headings of their rows; on narrow screens every cell carries its column's."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(
            f'<td data-label="{escape(heading)}" class="{"empty" if cell == NONE else "full"}"><span>{cell}</span></td>'
            for heading, cell in zip(headings[1:], cells, strict=True)
        )
        + "</tr>"
        for first, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _interval(measured: Measured) -> str:
    if measured.low is None or measured.high is None:
        return percent(measured.value)
    return f"{percent(measured.value)}<small>{100 * measured.low:.0f} – {percent(measured.high)}</small>"


def flops(number: Number) -> str:
    """Floating-point operations as 12.3 G, 4.56 T."""
    for size, unit in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


# --------------------------------------------------------------------------------------------------- curves


def _curves(comparison: Comparison) -> str:
    few = f"{comparison.few_prompts} prompts, with 95 % intervals"
    quality = [Series(e.name, tuple(_point(p.seconds, p.all_correct) for p in e.quality)) for e in comparison.entries]
    by_steps = [Series(e.name, tuple(_point(p.steps, p.all_correct) for p in e.by_steps)) for e in comparison.entries]
    losses = [
        Series(e.name, tuple((seconds, loss, loss, loss) for seconds, loss in e.stages["diffusion"].losses))
        for e in comparison.entries
    ]
    figures = (
        ("Quality against training time", f"all stages counted, {few}", multi_line_plot(
            quality, title="Right in everything", x_label="seconds of training", y_label="% right", y_range=(0, 100))),
        ("Quality against sampling steps", few, multi_line_plot(
            by_steps, title="Right in everything", x_label="sampling steps, logarithmic", y_label="% right",
            log_x=True, y_range=(0, 100))),
        ("Loss of the diffusion stage", "comparable only between entries with the same latents and prediction",
         multi_line_plot(losses, title="Loss", x_label="seconds of the stage", y_label="loss, logarithmic",
                         log_y=True, dots=False)),
    )  # fmt: skip
    drawn = "".join(
        f'<figure class="curve"><figcaption><b>{title}</b> {note}</figcaption>{plot}</figure>'
        for title, note, plot in figures
    )
    return f'<div class="curves">{drawn}</div>'


def _point(x: Number, measured: Measured) -> Point:
    low = measured.value if measured.low is None else measured.low
    high = measured.value if measured.high is None else measured.high
    return x, 100 * measured.value, 100 * low, 100 * high


# --------------------------------------------------------------------------------------------------- videos


def _videos(comparison: Comparison, videos: Sequence[SideBySide], fps: Number) -> str:
    if not videos:
        return '<p class="quiet">No videos were made.</p>'
    cells = ["<b></b>", *(f"<b>{escape(entry.name)}</b>" for entry in comparison.entries)]
    for row in videos:
        cells.append(f'<div class="label">{escape(row.prompt)}</div>')
        for entry, frames_u8 in zip(comparison.entries, row.videos_u8, strict=True):
            source = f"data:image/webp;base64,{b64encode(encode_webp(frames_u8, fps)).decode()}"
            height, width = frames_u8.shape[1:3]
            alt = escape(f"Video of {entry.name}: {row.prompt}", quote=True)
            cells.append(f'<img src="{source}" alt="{alt}" width="{width}" height="{height}">')
    grid = f'<div class="side" style="--entries:{len(comparison.entries)}">{"".join(cells)}</div>'
    note = "The first prompts, not the best ones; one seed per prompt, the same for every entry."
    return f'<div class="scroll" tabindex="0">{grid}</div><p class="quiet">{note}</p>'


def _commands(comparison: Comparison) -> str:
    """What trains each entry again."""
    parts = [
        f'<p class="quiet">{escape(one.name)}</p><pre class="command"><code>{escape(one.command)}</code></pre>'
        for one in (*comparison.entries, *comparison.failures)
    ]
    return f'<div class="commands">{"".join(parts)}</div>'
