"""A run on one page: a single HTML file that opens offline, with the curves, the videos and the numbers in it.

Everything is inside the file. Text that comes from a run is escaped; the page has no script.
"""

import io
import json
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ..video.write import encode_webp
from .clips_result import ClipsEvaluation
from .plots import line_plot
from .report_drift import drift_figures
from .report_tables import cost_table, measurement_section, tiles
from .result import Evaluation
from .vae_strip import DIFFERENCE_GAIN, LATENT_REACH, MAX_CHANNELS, VaeStrip

MAX_STRIP_FRAMES = 33


class GalleryItem(NamedTuple):
    """One generated video; correct None = not judged."""

    prompt: str
    frames_u8: UInt8[np.ndarray, "F H W 3"]
    correct: bool | None = None


def write_report(
    run_dir: Path,
    evaluation: Evaluation | ClipsEvaluation | None,
    metrics: Sequence[dict],
    summary: dict,
    vae_strip: VaeStrip | None,
    gallery: Sequence[GalleryItem],
    path: Path,
    *,
    command: str = "",
    fps: float = 8.0,
    continued: Sequence[GalleryItem] = (),
) -> Path:
    """Write the page to `path` and return it; parts that are None or empty are left out with a word about why.

    metrics: rows of metrics.jsonl. summary: summary.json. command: what made the run, shown in the header.
    continued: clips that the model went on with, beside the real ones.
    """
    template = Template(files("mutoscope.evaluation").joinpath("report.html.template").read_text(encoding="utf-8"))
    page = template.substitute(
        title=escape(run_dir.name),
        style=files("mutoscope.evaluation").joinpath("report.css").read_text(encoding="utf-8"),
        command=f'<pre class="command"><code>{escape(command)}</code></pre>' if command else "",
        tiles=tiles(evaluation, summary),
        gallery=_gallery(gallery, fps),
        measurements=measurement_section(evaluation),
        drift=_further(evaluation, continued, fps),
        strip=_strip(vae_strip),
        curves=_curves(metrics),
        cost=cost_table(summary),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _further(evaluation: Evaluation | ClipsEvaluation | None, continued: Sequence[GalleryItem], fps: float) -> str:
    """What only one of the two kinds of data has."""
    if isinstance(evaluation, Evaluation):
        return _section("Frame by frame", drift_figures(evaluation))
    return _section("Clips that were continued", _gallery(continued, fps)) if continued else ""


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>"


def read_metrics(path: Path) -> list[dict]:
    """Rows of a metrics.jsonl; a last line cut off by a crash is left out."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number + 1 < len(path.read_text(encoding="utf-8").splitlines()):
                raise ValueError(f"{path}, line {number + 1} is not JSON ({error.msg}); remove the line.") from error
    return rows


# ------------------------------------------------------------------------------------------------- pictures


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"


def _png(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return _data_uri("png", buffer.getvalue())


def _gallery(gallery: Sequence[GalleryItem], fps: float) -> str:
    """Animated lossless WebP in <img>: it plays everywhere without a script or a play button, and a 32 pixel video
    stays exact where mp4's halved colour planes would smear it. The browser enlarges it, so the file stays small.
    """
    if not gallery:
        return '<p class="quiet">No videos were handed to this report.</p>'
    cards = []
    for item in gallery:
        source = _data_uri("webp", encode_webp(item.frames_u8, fps))
        height, width = item.frames_u8.shape[1:3]
        mark = {
            None: "",
            True: '<span class="good">✓ as asked</span>',
            False: '<span class="bad">✗ not as asked</span>',
        }
        prompt = escape(item.prompt, quote=True)
        cards.append(
            f'<figure class="card"><img src="{source}" alt="Video: {prompt}" width="{width}" height="{height}">'
            f"<figcaption>{prompt}{mark[item.correct]}</figcaption></figure>"
        )
    return f'<div class="gallery">{"".join(cards)}</div>'


def _strip(strip: VaeStrip | None) -> str:
    """Rows share one grid, a column per frame, so that a latent frame stands under the frames it encodes."""
    if strip is None:
        return '<p class="quiet">No clip through the autoencoder was handed to this report.</p>'
    num_frames, num_latents = len(strip.frames_u8), strip.latents.shape[1]
    spans, shown = strip.spans(MAX_STRIP_FRAMES)
    channels, cells, column = min(strip.latents.shape[0], MAX_CHANNELS), [], 2
    for index, span in enumerate(spans):
        tile = f'<img src="{_png(strip.mosaic(index))}" alt="latent frame {index + 1}">'
        cells.append(f'<div class="latent" style="grid-column:{column} / span {span}">{tile}</div>')
        column += span
    rows = [
        _frame_row("original", strip.frames_u8[:shown]),
        f'<div class="label">latents<small>{channels} channels</small></div>{"".join(cells)}',
        _frame_row("reconstruction", strip.reconstruction_u8[:shown]),
        _frame_row("difference", strip.difference_u8[:shown], f"× {DIFFERENCE_GAIN}"),
    ]
    return (
        f'<div class="scroll" tabindex="0"><div class="strip" style="--frames:{shown}">{"".join(rows)}</div></div>'
        f'<p class="quiet">One clip that training never saw. {num_frames} frames become {num_latents} latent frames of '
        f"{strip.latents.shape[2]} × {strip.latents.shape[3]}; each stands under the frames that it adds. Grey levels "
        f"of latents run from −{LATENT_REACH:g} to {LATENT_REACH:g} standard deviations.</p>"
    )


def _frame_row(name: str, frames_u8: np.ndarray, note: str = "") -> str:
    small = f"<small>{note}</small>" if note else ""
    images = "".join(f'<img src="{_png(frame)}" alt="{name}, frame {k + 1}">' for k, frame in enumerate(frames_u8))
    return f'<div class="label">{name}{small}</div>{images}'


# --------------------------------------------------------------------------------------------------- curves


def _curves(metrics: Sequence[dict]) -> str:
    stages: dict[str, list[dict]] = {}
    for row in metrics:
        if "loss" in row and "step" in row:
            stages.setdefault(str(row.get("stage", "training")), []).append(row)
    if not stages:
        return '<p class="quiet">No metrics were logged.</p>'
    figures = []
    for stage, rows in stages.items():
        steps, losses = [row["step"] for row in rows], [row["loss"] for row in rows]
        name = STAGE_NAMES.get(stage, stage)
        plot = line_plot(steps, losses, title=name, x_label="optimizer step", y_label="loss")
        last = f"last logged value {losses[-1]:.4g} at step {steps[-1]:,}"
        figures.append(f'<figure class="curve"><figcaption><b>{escape(name)}</b> {last}</figcaption>{plot}</figure>')
    return f'<div class="curves">{"".join(figures)}</div>'


STAGE_NAMES = {"vae": "Video autoencoder", "diffusion": "Diffusion model"}
