"""`mutoscope evaluate` of a model that was trained on clips of one's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.config import ClipsConfig
from .evaluate import BATCH, EvaluateOptions, print_table, table_row, write_page
from .evaluation_files import write_evaluation
from .folders import load_pipeline
from .parse import say
from .progress import Progress, RunLog

if TYPE_CHECKING:
    from torch import Tensor

    from ..evaluation.clips_result import ClipsEvaluation
    from ..evaluation.evaluate_clips import EvaluatedClips, Subject
    from ..evaluation.report import GalleryItem
    from ..pipeline import Pipeline

BUSY = {"clips": "encoding clips", "measure": "measuring", "continue": "continuing clips"}
SHOWN = 8  # continued clips on the page


def evaluate_own(data: ClipsConfig, options: EvaluateOptions, out: Path) -> int:
    """Measure, write the numbers and the page, print the table."""
    if options.i3d is not None or options.seeds > 1:
        raise ValueError("--i3d and --seeds are for the built-in sets; your own clips are measured without them.")
    from ..evaluation.evaluate_clips import evaluate_clips
    from ..evaluation.vae_strip import vae_strip

    pipeline = load_pipeline(options.run)
    out.mkdir(parents=True, exist_ok=True)
    with Progress(RunLog(out / "log.txt")) as progress:

        def on_progress(what: str, share: float) -> None:
            if what == "generate":
                progress.update("videos", round(share * options.prompts), options.prompts)
            else:
                progress.note(BUSY[what])

        evaluated = evaluate_clips(
            data, subject_of(pipeline), num_prompts=options.prompts, seed=options.seed, on_progress=on_progress
        )
    write_evaluation(evaluated.evaluation, options.run, out)
    strip = vae_strip(pipeline.model, evaluated.sample)
    report = write_page(evaluated, strip, data.fps, options, out, continued_items(evaluated))
    evaluation = evaluated.evaluation
    print_table(f"{evaluation.num_prompts} prompts, seed {evaluation.seed}", rows(evaluation))
    for why in evaluation.missing:
        say(f"not measured: {why}")
    print(f"numbers  {out / 'evaluation.json'}\nreport   {report}")
    return 0


def subject_of(pipeline: "Pipeline") -> "Subject":
    """What is measured of a model."""
    import torch

    from ..evaluation.evaluate_clips import Subject
    from ..pipeline import GenerateRequest, generate
    from ..pipeline.request import history_of
    from ..vae.model import frames_within, longest_clip

    model = pipeline.model
    config = model.config

    def make(
        prompts: list[str], seeds: list[int], start: "Tensor | None" = None, frames: int | None = None
    ) -> "Tensor":
        parts = []
        for first in range(0, len(prompts), BATCH):
            rows = slice(first, first + BATCH)
            request = GenerateRequest(prompts=tuple(prompts[rows]), seeds=tuple(seeds[rows]), num_frames=frames)
            parts.append(generate(model, request, start=None if start is None else start[rows]))
        return torch.cat(parts)

    return Subject(
        generate=make,
        encode=model.encode,
        decode=model.decode,
        fit=lambda num_frames: longest_clip(config.vae, num_frames),
        go_on=(lambda start, prompts, seeds, frames: make(prompts, seeds, start, frames))
        if config.diffusion.prefix_share > 0
        else None,
        history=frames_within(config.vae, history_of(config.sampling, model.latent_shape(config.num_frames)[1])),
    )


def continued_items(evaluated: "EvaluatedClips") -> "list[GalleryItem]":
    """Real clips with the model's continuation to the right, evenly chosen."""
    import torch

    from ..evaluation.report import GalleryItem
    from ..video.pixels import to_uint8

    if evaluated.real is None or evaluated.continued is None:
        return []
    chosen = torch.linspace(0, len(evaluated.real) - 1, min(SHOWN, len(evaluated.real))).long()
    sides = torch.cat([evaluated.real[chosen], evaluated.continued[chosen]], dim=-1)
    return [GalleryItem("left real, right continued", to_uint8(pair)) for pair in sides]


def rows(evaluation: "ClipsEvaluation") -> Iterator[tuple[str, ...]]:
    """Lines of the table."""
    if evaluation.followed is not None:
        yield table_row("caption of nearest", evaluation.followed, percent=True)
    if evaluation.unseen is not None:
        yield table_row("VAE PSNR, unseen", evaluation.unseen.psnr, percent=False)
        yield table_row("VAE SSIM, unseen", evaluation.unseen.ssim, percent=False)
    yield table_row("VAE PSNR, trained", evaluation.trained.psnr, percent=False)
    if (found := evaluation.continuation) is not None:
        yield table_row(f"PSNR, {found.frames} frames on", found.psnr, percent=False)
        yield table_row("  mean of each frame's", found.frame_psnr, percent=False)
        yield table_row("  Fréchet distance", found.frechet, percent=False)
