"""Pieces of a report's tables as HTML: cells, rows, and numbers as people read them."""

from collections.abc import Callable
from html import escape

from .plots import Number, range_plot
from .result import Measured

NONE = '<span class="none">–</span>'
SHARE_HEADINGS = ("Measure", "Value", "0 to 100 %", "95 % interval", "Ceiling", "Floor", "Value / ceiling")


def table(title: str, headings: tuple[str, ...], rows: list[str]) -> str:
    """Rows of `row` under a head and an optional caption."""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    caption = f"<caption>{title}</caption>" if title else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def row(
    label: str, note: str, cells: tuple[str, ...], headings: tuple[str, ...] = SHARE_HEADINGS, raw_note: bool = False
) -> str:
    """A row; on narrow screens every cell carries its heading, because the head is gone there."""
    small = f"<small>{note if raw_note else escape(note)}</small>" if note else ""
    body = "".join(
        f'<td data-label="{escape(heading)}" class="{"empty" if cell in ("", NONE) else "full"}">{cell}</td>'
        for heading, cell in zip(headings[1:], cells, strict=True)
    )
    return f'<tr><th scope="row">{label}{small}</th>{body}</tr>'


def percent(share: Number) -> str:
    """A share as text: whole percents, one decimal where a whole one would say 0 or 100 wrongly."""
    exact = 100 * share
    return f"{exact:.1f} %" if round(exact) in (0, 100) and exact not in (0, 100) else f"{exact:.0f} %"


def percent_or_none(share: Number | None) -> str:
    """`percent`, or a dash where there is nothing."""
    return NONE if share is None else percent(share)


def count(number: Number) -> str:
    """A number of parameters: 950, 12.3 k, 2.31 M."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def of_ceiling(measured: Measured) -> str:
    """What was possible, in words."""
    return "" if measured.ceiling is None else f"of {percent(measured.ceiling)} possible"


def with_interval(measured: Measured) -> str:
    """A share and, where known, its 95 % interval in small print."""
    if measured.low is None or measured.high is None:
        return percent(measured.value)
    interval = f"{100 * measured.low:.0f} – {percent(measured.high)}"
    return f'<span>{percent(measured.value)} <small class="interval">{interval}</small></span>'


def share_row(label: str, note: str, measured: Measured) -> str:
    """A share with its plot, interval, ceiling and floor, under SHARE_HEADINGS."""
    interval = NONE
    if measured.low is not None and measured.high is not None:
        interval = f"{100 * measured.low:.0f} – {percent(measured.high)}"
    picture = range_plot(measured.value, measured.low, measured.high, measured.ceiling, measured.floor)
    ratio = percent(measured.value / measured.ceiling) if measured.ceiling else NONE
    cells = (percent(measured.value), picture, interval, percent_or_none(measured.ceiling))
    return row(label, note, (*cells, percent_or_none(measured.floor), ratio))


def plain_row(label: str, note: str, cells: tuple[str, str, str]) -> str:
    """Value, ceiling and floor of what is no share, under SHARE_HEADINGS."""
    value, ceiling, floor = cells
    return row(label, note, (value, "", NONE, ceiling, floor, NONE))


def cells_of(measured: Measured, say: Callable[[Number | None], str]) -> tuple[str, str, str]:
    """Value, ceiling and floor as text."""
    return say(measured.value), say(measured.ceiling), say(measured.floor)


def decimals(value: Number | None) -> str:
    """Three decimals, or a dash where there is nothing."""
    return NONE if value is None else f"{value:.3f}"
