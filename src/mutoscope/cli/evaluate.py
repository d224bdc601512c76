"""`mutoscope evaluate RUN`: measure a trained model, write the numbers and the page, print the table."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from pydantic import Field

from ..config import Config
from ..data.config import SpriteConfig
from ..files import whole_file
from ..recipes.packaged import packaged as packaged_recipe
from ..training.config import RunConfig
from .evaluation_files import write_evaluation
from .folders import check_writable, is_packaged, load_pipeline, read_run
from .parse import parse
from .progress import Progress, RunLog

if TYPE_CHECKING:
    from torch import Tensor

    from ..evaluation.asking import Generate
    from ..evaluation.evaluate import Evaluated
    from ..evaluation.evaluate_clips import EvaluatedClips
    from ..evaluation.fvd import Detector
    from ..evaluation.report import GalleryItem
    from ..evaluation.result import Evaluation, Measured
    from ..evaluation.vae_strip import VaeStrip
    from ..model import VideoModel
    from ..pipeline import Pipeline

DESCRIPTION = """Ask a trained model for many videos and measure them, each number beside its ceiling (the same
judge on real clips) and its floor. Of your own clips nobody knows what they show: there, a video should be nearest to a
clip of its caption. Writes evaluation.json and report.html.

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
    seeds: Annotated[int, Field(ge=1, le=100)] = 1
    """Times that the same prompts are answered, with another seed each; 2 or more print how much of it is luck."""
    i3d: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """TorchScript file of I3D, for FVD as published numbers have it; none = no FVD. Nothing is downloaded."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of evaluation.json and report.html; none = RUN (runs/packaged-evaluation for packaged)."""


def run(args: list[str]) -> int:
    """The verb."""
    options = parse(EvaluateOptions, args, "mutoscope evaluate", DESCRIPTION)
    packaged = is_packaged(options.run)
    config = packaged_recipe() if packaged else read_run(options.run)
    data = config.data
    out = options.out or (Path("runs/packaged-evaluation") if packaged else options.run)
    check_writable(out)
    if not isinstance(data, SpriteConfig):
        from .evaluate_clips import evaluate_own

        return evaluate_own(data, options, out)
    if data.num_sprites == 2:
        from .evaluate_pairs import evaluate_two

        return evaluate_two(data, options, out)
    detector = i3d_detector(options.i3d, data.num_frames)
    pipeline = load_pipeline(options.run)
    out.mkdir(parents=True, exist_ok=True)
    evaluated = measure(pipeline, config, options, out, detector)
    write_evaluation(evaluated.evaluation, options.run, out)
    report = write_page(evaluated, unseen_strip(pipeline.model, data, options.seed), data.fps, options, out)
    show(evaluated.evaluation)
    print(f"numbers  {out / 'evaluation.json'}\nreport   {report}")
    return 0


def i3d_detector(file: Path | None, num_frames: int) -> "Detector | None":
    """The network of `--i3d`, or None where it was not given; clips too short for it are an error before any work."""
    if file is None:
        return None
    from ..evaluation.fvd import check_length, load_detector

    check_length(num_frames)
    return load_detector(file)


def measure(
    pipeline: "Pipeline", config: RunConfig, options: EvaluateOptions, out: Path, detector: "Detector | None"
) -> "Evaluated":
    """Run the evaluation with a progress bar."""
    from ..evaluation.evaluate import evaluate
    from ..evaluation.memorisation import TrainedOn

    model, videos = pipeline.model, options.prompts * options.seeds
    with Progress(RunLog(out / "log.txt")) as progress:
        told: set[str] = set()

        def on_progress(what: str, share: float) -> None:
            if what == "generate":
                progress.update("videos", round(share * videos), videos)
            elif what not in told:
                told.add(what)
                progress.note(BUSY[what] if what in BUSY else what)

        assert isinstance(config.data, SpriteConfig)  # others were refused
        return evaluate(
            config.data,
            asked_of(model),
            rebuilt_by(model),
            num_prompts=options.prompts,
            seed=options.seed,
            num_seeds=options.seeds,
            trained_on=TrainedOn(seed=config.seed, clips=config.cached_clips),
            detector=detector,
            cache=out / "cache",
            on_progress=on_progress,
        )


def asked_of(model: "VideoModel") -> "Generate":
    """Answers of the model to (prompts, seeds), a few at a time."""
    import torch

    from ..pipeline import GenerateRequest, generate

    def make(prompts: list[str], seeds: list[int]) -> "Tensor":
        rows = [slice(first, first + BATCH) for first in range(0, len(prompts), BATCH)]
        requests = [GenerateRequest(prompts=tuple(prompts[row]), seeds=tuple(seeds[row])) for row in rows]
        return torch.cat([generate(model, request) for request in requests])

    return make


def rebuilt_by(model: "VideoModel") -> "Callable[[Tensor], Tensor] | None":
    """Frames to frames through its VAE, on the CPU; None without one."""
    from ..evaluation.vae_strip import in_pixels

    return None if in_pixels(model) else lambda frames: model.decode(model.encode(frames)).cpu()


def write_page(
    evaluated: "Evaluated | EvaluatedClips",
    strip: "VaeStrip | None",
    fps: float,
    options: EvaluateOptions,
    out: Path,
    continued: "Sequence[GalleryItem]" = (),
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
            strip,
            gallery,
            half,
            command=command_of(options.run),
            fps=fps,
            continued=continued,
        )
    return final


def unseen_strip(model: "VideoModel", data: SpriteConfig, seed: int) -> "VaeStrip | None":
    """`vae_strip` of a clip that training never saw."""
    from ..data.sprites import SpriteClips
    from ..evaluation.vae_strip import vae_strip

    return vae_strip(model, SpriteClips(data, "test", seed).batch(range(1)).frames)


def command_of(run: Path) -> str:
    """What made the run, from the first line of its log."""
    log = run / "log.txt"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line[found.start() :] for line in lines if (found := re.search(r"mutoscope train ", line))), "")


def show(evaluation: "Evaluation") -> None:
    """The table on the terminal."""
    print_table(f"{evaluation.num_prompts} prompts, seed {evaluation.seed}", rows(evaluation))
    judge = "the same judge" if evaluation.adherence["all"].identity is None else _judge_words(evaluation)
    print(f"ceiling: {judge} on real clips; floor: spoiled clips")
    for line in notes(evaluation):
        print(line)


def _judge_words(evaluation: "Evaluation") -> str:
    return f"the same judge ({evaluation.judge.accuracy:.1%} right on drawings it never saw)"


def rows(evaluation: "Evaluation") -> Iterator[tuple[str, ...]]:
    """Lines of the table: name, value, interval, ceiling, floor, share of the ceiling."""
    words = {"all": "all correct", "seen": "  seen combinations", "held_out": "  never-seen ones"}
    for group, adherence in evaluation.adherence.items():
        if group == "all" or "held_out" in evaluation.adherence:  # else all of them are seen ones
            yield table_row(words[group] if group in words else group, adherence.all_correct, percent=True)
    adherence = evaluation.adherence["all"]
    for name in ("identity", "colour", "direction", "persistence", "area", "area_error"):
        measured: Measured | None = getattr(adherence, name)
        if measured is not None:
            yield table_row(name.replace("_", " "), measured, percent=True, reached=name != "area_error")
    if evaluation.flicker is not None:
        yield table_row("flicker, of 255", evaluation.flicker, percent=False)
    if evaluation.memorisation is not None:
        title = "copies (void)" if evaluation.memorisation.blind else "copies of training"
        yield table_row(title, evaluation.memorisation.copied, percent=True, reached=False)
    if evaluation.reconstruction is not None:
        yield table_row("VAE PSNR, dB", evaluation.reconstruction.psnr, percent=False)
        yield table_row("VAE SSIM", evaluation.reconstruction.ssim, percent=False)
    titles = {"frechet": "Fréchet distance", "kernel": "kernel distance"}
    for name, distance in evaluation.distance.items():
        note = " (void)" if distance.void else ""
        values = (f"{distance.generated:.3g}", "", f"{distance.real:.3g}", f"{distance.shuffled:.3g}", "")
        yield (titles[name] if name in titles else name) + note, *values


def notes(evaluation: "Evaluation") -> Iterator[str]:
    """What does not fit into the table, a line each."""
    if evaluation.memorisation is not None and evaluation.memorisation.nearest:
        pair = evaluation.memorisation.nearest[0]
        yield (
            f"nearest to a training clip: video {pair.video + 1}, clip {pair.training_clip} "
            f"(RMS {pair.distance:.3f}; copies are nearer than {evaluation.memorisation.limit:.3f})"
        )
    for name, spread in (evaluation.over_seeds or {}).items():
        words = f"{name.replace('_', ' ')}, {len(spread.values)} seeds"
        yield f"{words}: {spread.mean:.1%}, standard deviation {spread.deviation:.1%}"
    if evaluation.fvd is not None:
        found = evaluation.fvd
        yield f"{found.protocol}: {found.generated:.1f}, real against real {found.real:.1f} (file {found.detector})"


def print_table(title: str, lines: Iterable[tuple[str, ...]]) -> None:
    """A table of `rows`."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("value", "95 % interval", "ceiling", "floor", "reached"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    Console(highlight=False).print(table)


def table_row(name: str, measured: "Measured", percent: bool, reached: bool = True) -> tuple[str, ...]:
    """reached: whether a larger value is a better one, so that its share of the ceiling says something."""

    def text(value: Any) -> str:
        return "" if value is None else f"{value:.1%}" if percent else f"{value:.4g}"

    interval = "" if measured.low is None else f"{text(measured.low)} – {text(measured.high)}"
    share = f"{measured.value / measured.ceiling:.0%}" if percent and reached and measured.ceiling else ""
    return name, text(measured.value), interval, text(measured.ceiling), text(measured.floor), share
