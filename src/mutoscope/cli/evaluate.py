"""`mutoscope evaluate RUN`: measure a trained model, write the numbers and the page, print the table."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from pydantic import Field

from ..config import Config
from ..data.config import SpriteConfig, digits
from ..files import whole_file
from .folders import check_writable, is_packaged, load_pipeline, read_run, write_whole
from .parse import parse
from .progress import Progress, RunLog

if TYPE_CHECKING:
    from torch import Tensor

    from ..evaluation.evaluate import Evaluated
    from ..evaluation.report import VaeStrip
    from ..evaluation.result import Evaluation, Measured
    from ..model import VideoModel
    from ..pipeline import Pipeline

DESCRIPTION = """Ask a trained model for many videos and measure them, each number beside its ceiling (the same
judge on real clips) and its floor. Writes evaluation.json and report.html.

mutoscope evaluate runs/demo"""
BATCH = 16  # videos at a time
GALLERY = 32  # videos on the page: the first ones, not the best ones
BUSY = {
    "judge": "judge: loading or training the classifier",
    "features": "features: loading or training the video network",
    "measure": "measuring",
}


class EvaluateOptions(Config):
    """What to measure, on how many prompts."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Run folder of a trained model, or `packaged` for the one inside the package."""
    prompts: Annotated[int, Field(ge=8, le=100_000)] = 240
    """Videos to make."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of prompts and videos."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of evaluation.json and report.html; none = RUN (runs/packaged-evaluation for packaged)."""


def run(args: list[str]) -> int:
    """The verb."""
    options = parse(EvaluateOptions, args, "mutoscope evaluate", DESCRIPTION)
    packaged = is_packaged(options.run)
    data = digits() if packaged else read_run(options.run).data
    out = options.out or (Path("runs/packaged-evaluation") if packaged else options.run)
    check_writable(out)
    pipeline = load_pipeline(options.run)
    out.mkdir(parents=True, exist_ok=True)
    evaluated = measure(pipeline, data, options, out)
    write_whole(out / "evaluation.json", evaluated.evaluation.model_dump_json(indent=1))
    report = write_page(pipeline, data, evaluated, options, out)
    show(evaluated.evaluation)
    print(f"numbers  {out / 'evaluation.json'}\nreport   {report}")
    return 0


def measure(pipeline: "Pipeline", data: SpriteConfig, options: EvaluateOptions, out: Path) -> "Evaluated":
    """Run the evaluation with a progress bar."""
    import torch

    from ..evaluation.evaluate import evaluate
    from ..pipeline import GenerateRequest, generate

    model = pipeline.model

    def make(prompts: list[str], seeds: list[int]) -> "Tensor":
        rows = [slice(first, first + BATCH) for first in range(0, len(prompts), BATCH)]
        requests = [GenerateRequest(prompts=tuple(prompts[row]), seeds=tuple(seeds[row])) for row in rows]
        return torch.cat([generate(model, request) for request in requests])

    with Progress(RunLog(out / "log.txt")) as progress:
        told: set[str] = set()

        def on_progress(what: str, share: float) -> None:
            if what == "generate":
                progress.update("videos", round(share * options.prompts), options.prompts)
            elif what not in told:
                told.add(what)
                progress.note(BUSY[what] if what in BUSY else what)

        return evaluate(
            data,
            make,
            lambda frames: model.decode(model.encode(frames)),
            num_prompts=options.prompts,
            seed=options.seed,
            cache=out / "cache",
            on_progress=on_progress,
        )


def write_page(
    pipeline: "Pipeline", data: SpriteConfig, evaluated: "Evaluated", options: EvaluateOptions, out: Path
) -> Path:
    """report.html, whole or not at all."""
    from ..evaluation.report import GalleryItem, read_metrics, write_report
    from ..video.pixels import to_uint8

    pairs = zip(evaluated.evaluation.clips[:GALLERY], evaluated.frames[:GALLERY], strict=True)
    gallery = [GalleryItem(verdict.prompt, to_uint8(frames), verdict.correct) for verdict, frames in pairs]
    metrics, summary = options.run / "metrics.jsonl", options.run / "summary.json"
    final = out / "report.html"
    with whole_file(final) as half:
        write_report(
            options.run,
            evaluated.evaluation,
            read_metrics(metrics) if metrics.is_file() else [],
            json.loads(summary.read_text()) if summary.is_file() else {},
            vae_strip(pipeline.model, data, options.seed),
            gallery,
            half,
            command=command_of(options.run),
            fps=data.fps,
        )
    return final


def vae_strip(model: "VideoModel", data: SpriteConfig, seed: int) -> "VaeStrip":
    """A clip that training never saw, its latents and its reconstruction."""
    import torch

    from ..data.sprites import SpriteClips
    from ..evaluation.report import VaeStrip
    from ..video.pixels import to_uint8

    frames = SpriteClips(data, "test", seed).batch(range(1)).frames
    with torch.no_grad():
        latents = model.encode(frames)
        rebuilt = model.decode(latents)
    return VaeStrip(to_uint8(frames[0]), latents[0].float().numpy(), to_uint8(rebuilt[0]))


def command_of(run: Path) -> str:
    """What made the run, from the first line of its log."""
    log = run / "log.txt"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line[found.start() :] for line in lines if (found := re.search(r"mutoscope train ", line))), "")


def show(evaluation: "Evaluation") -> None:
    """The table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{evaluation.num_prompts} prompts, seed {evaluation.seed}", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("value", "95 % interval", "ceiling", "floor", "reached"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows(evaluation):
        table.add_row(*row)
    Console(highlight=False).print(table)
    accuracy = evaluation.judge.accuracy
    print(f"ceiling: the same judge on real clips ({accuracy:.1%} on drawings it never saw); floor: spoiled clips")


def rows(evaluation: "Evaluation") -> Iterator[tuple[str, ...]]:
    """Lines of the table: name, value, interval, ceiling, floor, share of the ceiling."""
    words = {"all": "all correct", "seen": "  seen combinations", "held_out": "  never-seen ones"}
    for group, adherence in evaluation.adherence.items():
        yield _row(words[group] if group in words else group, adherence.all_correct, percent=True)
    adherence = evaluation.adherence["all"]
    for name in ("identity", "colour", "direction", "persistence"):
        measured: Measured | None = getattr(adherence, name)
        if measured is not None:
            yield _row(name, measured, percent=True)
    if evaluation.reconstruction is not None:
        yield _row("VAE PSNR, dB", evaluation.reconstruction.psnr, percent=False)
        yield _row("VAE SSIM", evaluation.reconstruction.ssim, percent=False)
    titles = {"frechet": "Fréchet distance", "kernel": "kernel distance"}
    for name, distance in evaluation.distance.items():
        note = " (void)" if distance.void else ""
        values = (f"{distance.generated:.3g}", "", f"{distance.real:.3g}", f"{distance.shuffled:.3g}", "")
        yield (titles[name] if name in titles else name) + note, *values


def _row(name: str, measured: "Measured", percent: bool) -> tuple[str, ...]:
    def text(value: Any) -> str:
        return "" if value is None else f"{value:.1%}" if percent else f"{value:.4g}"

    interval = "" if measured.low is None else f"{text(measured.low)} – {text(measured.high)}"
    share = f"{measured.value / measured.ceiling:.0%}" if percent and measured.ceiling else ""
    return name, text(measured.value), interval, text(measured.ceiling), text(measured.floor), share
