"""A folder of clips on one page: what is wrong with it first, then every clip with its first frame and caption.

Everything is inside the file, which opens offline. All text that comes from files is escaped.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from ..files import whole_file
from ..words import duration
from .manifest import ManifestEntry
from .problems import Problem, by_reason, shown
from .scan import Scan

MAX_THUMBNAILS = 2000
MAX_LISTED = 200
"""Files named per problem."""


def write_page(scan: Scan, path: Path, *, title: str, style: str, command: str) -> None:
    """Write the page to `path`, whole or not at all.

    title: name of the folder. style: the sheet that all pages share. command: what comes next.
    """
    assets = files("mutoscope.data").joinpath("assets")
    page = Template(assets.joinpath("data.html.template").read_text(encoding="utf-8")).substitute(
        title=escape(shown(title)),
        style=style + assets.joinpath("data.css").read_text(encoding="utf-8"),
        lead="First frames of the clips that training can use, their captions, and what is wrong with the rest.",
        command=f'<pre class="command"><code>{escape(shown(command))}</code></pre>',
        tiles=_tiles(scan),
        problems=_problems(scan.problems),
        clips="".join(
            _card(entry, entry.file.removeprefix(f"{scan.folder}/"), scan.thumbnails if number < MAX_THUMBNAILS else {})
            for number, entry in enumerate(scan.entries)
        )
        or '<p class="quiet">No clip can be used.</p>',
        cap=_cap(len(scan.entries)),
    )
    with whole_file(path) as half:
        half.write_text(page, encoding="utf-8")


def sizes(entries: Sequence[ManifestEntry]) -> dict[str, int]:
    """Clips of each width x height, the most frequent first."""
    counts: dict[str, int] = {}
    for entry in entries:
        size = f"{entry.width}x{entry.height}"
        counts[size] = counts.get(size, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _tiles(scan: Scan) -> str:
    captioned = sum(bool(entry.caption) for entry in scan.entries)
    missing = len(scan.entries) - captioned
    left_out = sum(not problem.kept for problem in scan.problems)
    of_size = sizes(scan.entries)
    pictures = sum(entry.num_frames == 1 for entry in scan.entries)
    shown_tiles = [
        ("clips", f"{len(scan.entries):,}", f"{pictures:,} of them pictures" if pictures else "all of them move"),
        (
            "to watch",
            duration(scan.duration_s, tenths=True),
            f"{sum(entry.num_frames for entry in scan.entries):,} frames",
        ),
        ("captions", f"{captioned:,}", f"{missing:,} missing" if missing else "none missing"),
        ("sizes", f"{len(of_size):,}", f"most often {next(iter(of_size)).replace('x', ' × ')}" if of_size else ""),
        ("left out", f"{left_out:,}", f"and other files: {scan.num_others:,}"),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd><dd>{note}</dd></div>" for name, value, note in shown_tiles)
    return f'<dl class="tiles">{cells}</dl>'


def _problems(problems: Sequence[Problem]) -> str:
    """A fold per reason, what is left out first and open."""
    folds = []
    for kept in (False, True):
        those = [problem for problem in problems if problem.kept == kept]
        for reason, number in by_reason(those).items():
            named = [problem for problem in those if problem.reason == reason][:MAX_LISTED]
            lines = [f"<li><code>{escape(one.file)}</code> {escape(one.words)}</li>" for one in named]
            if number > len(named):
                lines.append(f"<li>and {number - len(named):,} more</li>")
            fate = '<span class="quiet">used all the same</span>' if kept else '<span class="bad">left out</span>'
            folds.append(
                f"<details{'' if kept else ' open'}><summary><b>{number:,}</b> {escape(reason)} {fate}</summary>"
                f"<ul>{''.join(lines)}</ul></details>"
            )
    return "".join(folds) or '<p class="quiet">None.</p>'


def _card(entry: ManifestEntry, name: str, thumbnails: dict[str, bytes]) -> str:
    name = escape(shown(name), quote=True)
    picture = '<div class="blank"></div>'
    if entry.file in thumbnails:
        source = f"data:image/webp;base64,{b64encode(thumbnails[entry.file]).decode()}"
        picture = f'<img src="{source}" alt="First frame of {name}" loading="lazy" decoding="async">'
    caption = escape(shown(entry.caption)) or '<span class="bad">caption missing</span>'
    moving = f"{duration(entry.duration_s, tenths=True)} · {entry.num_frames:,} frames · {entry.fps:.4g} fps · "
    facts = f"{moving if entry.num_frames > 1 else 'picture · '}{entry.width} × {entry.height} · {escape(entry.codec)}"
    return f'<figure class="card">{picture}<figcaption>{caption}<small>{name}<br>{facts}</small></figcaption></figure>'


def _cap(number: int) -> str:
    if number <= MAX_THUMBNAILS:
        return ""
    return f'<p class="quiet">Only the first {MAX_THUMBNAILS:,} of {number:,} clips are shown with a picture.</p>'
