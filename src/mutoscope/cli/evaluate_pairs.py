"""`mutoscope evaluate` of a model of two sprites: numbers, a table, and the first videos to look at."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..data.config import SpriteConfig
from .evaluate import EvaluateOptions, asked_of, print_table, rebuilt_by, table_row
from .evaluation_files import write_evaluation
from .folders import load_pipeline
from .progress import Progress, RunLog

if TYPE_CHECKING:
    from ..evaluation.pairs import EvaluatedPairs

SHOWN = 16


def evaluate_two(data: SpriteConfig, options: EvaluateOptions, out: Path) -> int:
    """Measure, write numbers and videos, print the table."""
    if options.i3d is not None or options.seeds > 1:
        raise ValueError("--i3d and --seeds are for clips of one sprite; those of two are measured without them.")
    from ..evaluation.pairs import evaluate_pairs

    pipeline = load_pipeline(options.run)
    out.mkdir(parents=True, exist_ok=True)
    with Progress(RunLog(out / "log.txt")) as progress:
        evaluated = evaluate_pairs(
            data,
            asked_of(pipeline.model),
            rebuilt_by(pipeline.model),
            num_prompts=options.prompts,
            seed=options.seed,
            cache=out / "cache",
            on_share=lambda share: progress.update("videos", round(share * options.prompts), options.prompts),
        )
    write_evaluation(evaluated.evaluation, options.run, out)
    show(evaluated)
    print(f"numbers  {out / 'evaluation.json'}\nvideos   {write_sheet(evaluated, data, out)}")
    return 0


def show(evaluated: "EvaluatedPairs") -> None:
    """The table on the terminal."""
    found = evaluated.evaluation
    lines = [
        table_row("both as asked", found.both, percent=True),
        table_row("  both digits", found.digits, percent=True),
        table_row("  both directions", found.directions, percent=True),
    ]
    for name, adherence in (("first", found.first), ("second", found.second)):
        for part in ("identity", "direction", "persistence"):
            if (measured := getattr(adherence, part)) is not None:
                lines.append(table_row(f"{name} sprite: {part}", measured, percent=True))
    if found.psnr is not None:
        lines.append(table_row("VAE PSNR, dB", found.psnr, percent=False))
    print_table(f"{found.num_prompts} prompts, seed {found.seed}", lines)
    print(f"ceiling: the same judge ({found.judge.accuracy:.1%} right on drawings it never saw) on real clips; floor:")
    print("those, asked about other prompts")


def write_sheet(evaluated: "EvaluatedPairs", data: SpriteConfig, out: Path) -> Path:
    """The first videos, not the best ones, as videos.png and, moving, videos.webp."""
    import numpy as np

    from ..video.pixels import to_uint8
    from ..video.sheet import contact_sheet
    from ..video.write import write_video

    clips = [to_uint8(frames) for frames in evaluated.frames[:SHOWN]]
    prompts = [verdict.prompt for verdict in evaluated.evaluation.clips[:SHOWN]]
    sheet = out / "videos.png"
    write_video(sheet, np.asarray(contact_sheet(clips, prompts, scale=1))[None], fps=1)
    write_video(sheet.with_suffix(".webp"), np.concatenate(clips[:8], axis=2), data.fps, 2)
    return sheet
