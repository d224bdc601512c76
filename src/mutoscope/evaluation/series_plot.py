"""Several lines in one plot, as inline SVG with a legend: colours and dashes from the page, no script."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .plots import BOTTOM, HEIGHT, LEFT, MAX_POINTS, RIGHT, TOP, WIDTH, Axis, Number, short, smoothed

NUM_COLOURS = 6  # --series-0 … of the page; from there on colours repeat with dashes


Point = tuple[Number, Number, Number, Number]
"""(x, y, low, high), where low = high = y means no interval."""


@dataclass(frozen=True)
class Series:
    """One line, in the order of x."""

    name: str
    points: tuple[Point, ...]


def multi_line_plot(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    y_range: tuple[Number, Number] | None = None,
    dots: bool = True,
) -> str:
    """SVG of all series over one pair of axes, and its legend. Logarithmic axes leave out what is not > 0, others
    begin at 0 along x.

    y_range: ends of the y axis; None = the values decide. dots: mark points and intervals, for short series; long
    ones are smoothed over neighbours instead.
    """
    shown = [Series(one.name, _finite(one.points, log_x, log_y)) for one in series]
    xs = [x for one in shown for x, *_ in one.points]
    if len(set(xs)) < 2:
        return f'<p class="quiet">{escape(title)}: fewer than two points, nothing to plot.</p>'
    ys = [y for one in shown for point in one.points for y in point[1:]]
    x_axis = _axis(min(xs) if log_x else min(0.0, *xs), max(xs), LEFT, WIDTH - RIGHT, log_x, 0.02)
    low, high = y_range or (min(ys), max(ys))
    y_axis = _axis(low, high, HEIGHT - BOTTOM, TOP, log_y, 0.04)
    lines = "".join(_line(one, index, x_axis, y_axis, dots) for index, one in enumerate(shown))
    return (
        f'{_legend(shown)}<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(_spoken(title, x_label, shown), quote=True)}">{_grid(x_axis, y_axis)}{lines}'
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 4}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
        f'<text class="axis" transform="translate(11 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label)}</text></svg>'
    )


def _finite(points: Sequence[Point], log_x: bool, log_y: bool) -> tuple[Point, ...]:
    return tuple(
        point
        for point in points
        if all(math.isfinite(value) for value in point)
        and not (log_x and point[0] <= 0)
        and not (log_y and min(point[1:]) <= 0)
    )


def _axis(low: Number, high: Number, start: Number, end: Number, log: bool, margin: float) -> Axis:
    low, high = (math.log10(low), math.log10(high)) if log else (low, high)
    pad = margin * (high - low) or 0.5 * abs(high) or 0.5
    return Axis(low - pad, high + pad, start, end, log)


def _line(one: Series, index: int, x_axis: Axis, y_axis: Axis, dots: bool) -> str:
    style = f"s{index % NUM_COLOURS}" + (" dashed" if index >= NUM_COLOURS else "")
    values = [y for _, y, *_ in one.points]
    if not dots:
        values = smoothed(values, reach=len(values) // 40)
    places = [(x_axis.place(x), y_axis.place(y)) for (x, *_), y in zip(one.points, values, strict=True)]
    every = max(1, len(places) // MAX_POINTS)
    kept = places[::every] + ([places[-1]] if (len(places) - 1) % every else [])
    parts = [f'<polyline class="smooth {style}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in kept)}"/>']
    for (_, _, low, high), (x, y) in zip(one.points, places, strict=True) if dots else ():
        if low < high:
            ends = f'y1="{y_axis.place(low):.1f}" y2="{y_axis.place(high):.1f}"'
            parts.append(f'<line class="whisker {style}" x1="{x:.1f}" x2="{x:.1f}" {ends}/>')
        parts.append(f'<circle class="dot {style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
    return "".join(parts)


def _grid(x_axis: Axis, y_axis: Axis) -> str:
    parts = []
    for value in y_axis.ticks():
        y = y_axis.place(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for value in x_axis.ticks():
        place = f'x="{x_axis.place(value):.1f}" y="{HEIGHT - BOTTOM + 16}"'
        parts.append(f'<text class="tick" {place} text-anchor="middle">{short(value)}</text>')
    return "".join(parts)


def _legend(series: Sequence[Series]) -> str:
    items = []
    for index, one in enumerate(series):
        style = f"s{index % NUM_COLOURS}" + (" dashed" if index >= NUM_COLOURS else "")
        swatch = (
            f'<svg viewBox="0 0 22 8" aria-hidden="true"><line class="smooth {style}" x1="1" x2="21" y1="4" y2="4"/>'
        )
        items.append(f"<li>{swatch}</svg>{escape(one.name)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def _spoken(title: str, x_label: str, series: Sequence[Series]) -> str:
    """What the picture shows, for who cannot see it: the last value of every line."""
    ends = ", ".join(f"{s.name} {s.points[-1][1]:.3g} at {s.points[-1][0]:.3g}" for s in series if s.points)
    return f"{title} over {x_label}; at the end: {ends}"
