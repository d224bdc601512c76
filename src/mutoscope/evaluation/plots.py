"""Line plots as inline SVG: no script, no library, colours from the page's own variables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Number = float | int

WIDTH, HEIGHT = 400, 236
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 12, 40
MAX_POINTS = 400  # more are thinned: the page stays small and the line looks the same


@dataclass(frozen=True)
class Axis:
    """One axis: values low to high (their logarithms to base 10 when `log`) onto pixels start to end."""

    low: Number
    high: Number
    start: Number
    end: Number
    log: bool = False

    def place(self, value: Number) -> float:
        """Pixel of a value."""
        value = math.log10(value) if self.log else value
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """About five round values inside the range: 1, 2, 5 times a power of ten."""
        if self.log:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            fine = self.high - self.low < 2
            values = [m * 10.0**p for p in powers for m in ((1, 2, 5) if fine else (1,))]
            return [v for v in values if self.low - 1e-9 <= math.log10(v) <= self.high + 1e-9]
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def smoothed(values: Sequence[Number], reach: int) -> list[float]:
    """Mean over neighbours up to `reach` away, nearer ones counting more; centred, so a falling curve does not lag.

    A straight line stays itself away from the ends; reach 0 changes nothing.
    """
    out = []
    for i in range(len(values)):
        near = range(max(0, i - reach), min(len(values), i + reach + 1))
        weights = [reach + 1 - abs(i - j) for j in near]
        out.append(sum(w * values[j] for w, j in zip(weights, near, strict=True)) / sum(weights))
    return out


def line_plot(
    steps: Sequence[Number],
    values: Sequence[Number],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log: bool | None = None,
    reference: Sequence[Number] | None = None,
) -> str:
    """SVG of `values` over `steps`: raw faint, smoothed strong. log None = when the values span a factor above 8.

    reference: what the values are compared with at the same steps, dashed.
    """
    points = [(x, y) for x, y in zip(steps, values, strict=True) if math.isfinite(y)]
    if len(points) < 2:
        return f'<p class="quiet">{escape(title)}: fewer than two logged values, nothing to plot.</p>'
    beside = [] if reference is None else list(zip(steps, reference, strict=True))
    heights = [y for _, y in points + beside]
    lowest, highest = min(heights), max(heights)
    if log is None:
        log = lowest > 0 and highest / lowest > 8
    elif log and lowest <= 0:
        raise ValueError(f"a logarithmic plot needs values > 0, got {lowest:g}. Use log=False.")
    x_axis = Axis(points[0][0], points[-1][0], LEFT, WIDTH - RIGHT)
    y_axis = _y_axis(lowest, highest, log)
    smooth = smoothed([y for _, y in points], reach=len(points) // 40)
    raw_line = _polyline([(x_axis.place(x), y_axis.place(y)) for x, y in points], "raw")
    strong = _polyline([(x_axis.place(x), y_axis.place(y)) for (x, _), y in zip(points, smooth, strict=True)], "smooth")
    dashed = _polyline([(x_axis.place(x), y_axis.place(y)) for x, y in beside], "reference") if beside else ""
    scale = ", logarithmic" if log else ""
    label = escape(f"{title}: {y_label} from {points[0][1]:.3g} to {points[-1][1]:.3g} over {x_label}{scale}")
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{_grid(x_axis, y_axis)}{dashed}{raw_line}{strong}"
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 4}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
        f'<text class="axis" transform="translate(11 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label + scale)}</text></svg>'
    )


def _y_axis(lowest: Number, highest: Number, log: bool) -> Axis:
    low, high = (math.log10(lowest), math.log10(highest)) if log else (lowest, highest)
    pad = 0.04 * (high - low) or 0.5 * abs(high) or 0.5
    return Axis(low - pad, high + pad, HEIGHT - BOTTOM, TOP, log)


def _grid(x_axis: Axis, y_axis: Axis) -> str:
    parts = []
    for value in y_axis.ticks():
        y = y_axis.place(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for value in x_axis.ticks():
        x = x_axis.place(value)
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{short(value)}</text>'
        )
    return "".join(parts)


def _polyline(points: list[tuple[float, float]], name: str) -> str:
    every = max(1, len(points) // MAX_POINTS)
    kept = points[::every] + ([points[-1]] if (len(points) - 1) % every else [])
    return f'<polyline class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in kept)}"/>'


def short(value: Number) -> str:
    """A number for an axis: 1.2k instead of 1200, no trailing zeros."""
    if abs(value) >= 1000:
        return f"{value / 1000:.3g}k"
    return f"{value:.3g}"


def range_plot(value: float, low: float | None, high: float | None, ceiling: float | None, floor: float | None) -> str:
    """A share between 0 and 1 on a line: the interval as a bar, floor and ceiling as ticks."""

    def x(share: float) -> float:
        return 4 + 132 * min(max(share, 0), 1)

    ticks = "".join(
        f'<line class="{name}" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="3" y2="17"/>'
        for name, at in (("floor", floor), ("ceiling", ceiling))
        if at is not None
    )
    interval = ""
    if low is not None and high is not None:
        interval = f'<line class="interval" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="10" y2="10"/>'
    return (
        '<svg class="range" viewBox="0 0 140 20" aria-hidden="true">'
        '<line class="base" x1="4" x2="136" y1="10" y2="10"/>'
        f'{ticks}{interval}<circle class="value" cx="{x(value):.1f}" cy="10" r="4"/></svg>'
    )
