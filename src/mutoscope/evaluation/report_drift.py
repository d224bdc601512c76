"""How videos hold out over their frames, as three small plots beside real clips."""

from html import escape

from .html_table import percent
from .plots import line_plot
from .result import Drift, Evaluation

CURVES = {
    "identity": ("Identity", "share of videos with the asked digit or shape in this frame"),
    "blank": ("Blank", "share of videos that show nothing in this frame"),
    "contrast": ("Contrast", "brightest pixel, relative to the first frame"),
}


def drift_figures(evaluation: Evaluation) -> str:
    """Identity, blank frames and contrast by frame; dashed: the same of real clips."""
    found, real, fading = (evaluation.drift[name] for name in ("generated", "real", "fading"))
    figures = []
    for name, (title, what) in CURVES.items():
        values, reference = getattr(found, name), getattr(real, name)
        if values is None:
            continue
        plot = line_plot(
            range(1, len(values) + 1),
            values,
            title=title,
            x_label="frame",
            y_label=name,
            log=False,
            reference=reference,
        )
        note = escape(f"{what}; last frame {_last(found, name)}, real clips {_last(real, name)}, ")
        note += escape(f"real clips that fade {_last(fading, name)}")
        figures.append(f'<figure class="curve"><figcaption><b>{title}</b> {note}</figcaption>{plot}</figure>')
    return f'<div class="curves">{"".join(figures)}</div>'


def _last(drift: Drift, name: str) -> str:
    return percent(getattr(drift, name)[-1])
