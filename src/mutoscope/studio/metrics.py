"""metrics.jsonl as curves: all of it for a chart, piece by piece while it grows, or thinned for a small picture."""

from pathlib import Path
from typing import Any

from pydantic_core import from_json  # several times as fast as json

SPARKS = 32  # points of a small curve
Row = dict[str, Any]


def rows_of(lines: list[bytes]) -> list[Row]:
    """Rows of whole lines; what a kill cut short is left out."""
    found = []
    for line in lines:
        try:
            row = from_json(line)
            whole = isinstance(row["step"], int) and isinstance(row["loss"], float | int) and row["stage"]
        except (ValueError, KeyError, TypeError, IndexError):
            continue
        if whole:
            found.append(row)
    return found


def columns(path: Path, after: int = 0) -> dict[str, Any]:
    """Values by stage and name from a byte of the file on, and the byte to go on from; a line that is being written
    waits. restart: the file is shorter than that, because the run went back; then it is all of it.

    JSON knows no NaN and no infinity: they are None.
    """
    if not path.is_file():
        return {"stages": {}, "next": 0, "restart": after > 0}
    restart = path.stat().st_size < after
    begin = 0 if restart else after
    with path.open("rb") as file:
        file.seek(begin)
        data = file.read()
    end = data.rfind(b"\n") + 1
    stages: dict[str, dict[str, list]] = {}
    for row in rows_of(data[:end].splitlines()):
        table = stages.setdefault(str(row.pop("stage")), {})
        if table.keys() != row.keys():  # the first line, or one with a name that others lack
            count = len(table.get("step", []))
            for name in row.keys() - table.keys():
                table[name] = [None] * count
            row = dict.fromkeys(table) | row
        for name, value in row.items():
            table[name].append(value)
    for table in stages.values():
        for name, values in table.items():
            table[name] = [_finite(value) for value in values]
    return {"stages": stages, "next": begin + end, "restart": restart}


def newest(path: Path) -> tuple[Row | None, list[float]]:
    """The last row, and the loss of its stage along the way, thinned; little of a long file is parsed."""
    try:
        data = path.read_bytes()
    except OSError:
        return None, []
    last, end = None, len(data)
    while last is None and end > 0:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        last, end = next(iter(rows_of([data[begin:end]])), None), begin
    if last is None:
        return None, []
    first = data.find(f'"stage": "{last["stage"]}"'.encode(), 0, end)  # stages follow each other
    begin = data.rfind(b"\n", 0, first) + 1 if first >= 0 else end
    places = [begin + (end - begin) * k // SPARKS for k in range(SPARKS)]
    starts = dict.fromkeys(data.rfind(b"\n", 0, place) + 1 for place in places if place < end)
    rows = [*rows_of([data[start : data.find(b"\n", start)] for start in starts]), last]
    return last, [round(float(row["loss"]), 5) for row in rows if _finite(row["loss"]) is not None]


def _finite(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and abs(value) < float("inf") else None
