"""`mutoscope generate PROMPT ...`: one video file per prompt, and a contact sheet."""

import json
import math
import re
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from pydantic import Field

from ..config import Config
from ..samplers.config import GuidanceName, SamplerName, SamplingConfig
from .folders import check_writable, load_pipeline
from .parse import parse, say
from .progress import Progress

if TYPE_CHECKING:
    import numpy as np

    from ..pipeline import Pipeline

DESCRIPTION = """Make one video per prompt. The files are named after prompt and seed; contact_sheet.png shows them all.

mutoscope generate "a red 7 moving left" "a blue 3 moving up" --out videos/"""
EXAMPLE = 'mutoscope generate "a red 7 moving left"'
BATCH = 16  # prompts at a time: memory stays the same for any number of them
SHOWN_SIDE = 256  # pixels; smaller videos are enlarged for viewing
SHEET_ROWS = 64  # videos on the contact sheet at most


class GenerateOptions(Config):
    """What to make, with which model, and where to put it."""

    prompts: Annotated[
        tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="PROMPT [PROMPT ...]", help_behavior_hint="")
    ] = ()
    """What to show, one video each, e.g. "a red 7 moving left"."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("videos")
    """Folder of the files."""
    model: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """Run folder of a trained model; none = the small one inside the package."""
    format: Literal["mp4", "webm", "gif", "webp", "png", "npy"] = "mp4"
    """File format. mp4, webm, gif and webp are enlarged for viewing; png (all frames side by side) and npy
    (uint8, (frames, height, width, 3)) hold the exact pixels."""
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    """Prompt i, counted from 0, uses seed + i: the same seed gives the same video in any batch."""
    steps: Annotated[Annotated[int, Field(ge=1, le=1000)] | None, tyro.conf.arg(metavar="INT")] = None
    """Steps of the sampler; none = the model's own."""
    sampler: SamplerName | None = None
    """How noise is carried to data; none = the model's own."""
    guidance: Annotated[Annotated[float, Field(ge=0, le=100)] | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Strength of guidance, 1 = off; none = the model's own."""
    guidance_method: GuidanceName | None = None
    """How estimates with and without caption are combined; none = the model's own."""
    guidance_rescale: Annotated[Annotated[float, Field(ge=0, le=1)] | None, tyro.conf.arg(metavar="FLOAT")] = None
    """How far the contrast of guided estimates is brought back, 0 = off; none = the model's own."""
    weak_model: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """Run folder of a weaker model with the same VAE, to guide away from; none = away from the empty caption."""
    eta: Annotated[Annotated[float, Field(ge=0, le=1)] | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Fresh noise of sampler ddim; none = the model's own."""
    frames: Annotated[Annotated[int, Field(ge=1, le=1025)] | None, tyro.conf.arg(metavar="INT")] = None
    """Frames per video; none = as in training."""
    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print only [{"file", "prompt", "seed"}, ...], for scripts."""


def run(args: list[str]) -> int:
    """The verb."""
    begun = time.perf_counter()
    options = parse(GenerateOptions, args, "mutoscope generate", DESCRIPTION)
    check_prompts(options.prompts)
    check_writable(options.out)
    pipeline = load_pipeline(options.model)
    if options.weak_model is not None:
        pipeline = type(pipeline)(pipeline.model, load_pipeline(options.weak_model).model)
    check_fits(pipeline, options)
    files = write_all(pipeline, options)
    if options.as_json:
        rows = zip(files, options.prompts, seeds_of(options), strict=True)
        print(json.dumps([{"file": str(file), "prompt": prompt, "seed": seed} for file, prompt, seed in rows]))
        return 0
    width = max(len(str(file)) for file in files)
    for file, prompt in zip(files, options.prompts, strict=True):
        print(f"{str(file):<{width}}  {prompt}")
    print(f"{str(options.out / 'contact_sheet.png'):<{width}}  all of them")
    print(f"{len(files)} video{'s' if len(files) > 1 else ''} in {time.perf_counter() - begun:.1f} s")
    return 0


def check_prompts(prompts: tuple[str, ...]) -> None:
    """Refuse what is no prompt, before anything loads."""
    if not prompts:
        raise ValueError(f"there is no prompt. Type e.g. {EXAMPLE}")
    for number, prompt in enumerate(prompts, start=1):
        if not prompt.strip():
            raise ValueError(f"prompt {number} is empty. Say what to show, e.g. {EXAMPLE}")


def check_fits(pipeline: "Pipeline", options: GenerateOptions) -> None:
    """Refuse what the model cannot do, before the first video is made; words it never saw are only told."""
    model = pipeline.model
    sampling_of(pipeline, options)
    model.latent_shape(options.frames or model.config.num_frames)
    for reader in (model, pipeline.weak_model or model):
        reader.tokenizer.encode(options.prompts)
    unknown = {word: None for prompt in options.prompts for word in model.tokenizer.unknown_words(prompt)}
    if unknown and model.config.denoiser.text:
        words = ", ".join(repr(word[:30]) for word in list(unknown)[:8])
        say(f"note: this model never saw {words}{' …' if len(unknown) > 8 else ''}; it reads them as one unknown word.")


def sampling_of(pipeline: "Pipeline", options: GenerateOptions) -> SamplingConfig:
    """The model's own settings, with the options that were given in their place."""
    return pipeline.sampling(
        options.steps,
        options.sampler,
        options.guidance,
        options.eta,
        options.guidance_method,
        options.guidance_rescale,
    )


def write_all(pipeline: "Pipeline", options: GenerateOptions) -> list[Path]:
    """Make and write all videos, a batch at a time, then the contact sheet; returns the files in order."""
    import numpy as np

    from ..video.sheet import contact_sheet
    from ..video.write import write_video

    fps = pipeline.model.config.fps
    seeds, prompts = seeds_of(options), list(options.prompts)
    files: list[Path] = []
    shown: list[np.ndarray] = []
    with Progress() as progress:
        for first in range(0, len(prompts), BATCH):
            clips = _batch(pipeline, options, slice(first, first + BATCH), progress)
            for clip, prompt, seed in zip(clips, prompts[first:], seeds[first:], strict=False):
                scale = 1 if options.format in ("png", "npy") else math.ceil(SHOWN_SIDE / min(clip.shape[1:3]))
                file = options.out / f"{slug(prompt)}-{seed}.{options.format}"
                files.append(write_video(file, clip, fps, scale))
            shown += clips[: SHEET_ROWS - len(shown)]
    labels = [f"{prompt} (seed {seed})" for prompt, seed in zip(prompts, seeds, strict=True)][: len(shown)]
    sheet = contact_sheet(shown, labels, scale=max(1, 96 // min(shown[0].shape[1:3])))
    write_video(options.out / "contact_sheet.png", np.asarray(sheet)[None], fps=1)
    return files


def _batch(pipeline: "Pipeline", options: GenerateOptions, rows: slice, progress: Progress) -> "list[np.ndarray]":
    stage = "sampling" if len(options.prompts) <= BATCH else f"sampling {rows.start // BATCH + 1}"
    on_terminal = progress.console.is_terminal  # a few seconds: elsewhere lines would only be noise
    return pipeline.generate_many(
        list(options.prompts[rows]),
        seeds_of(options)[rows],
        options.frames,
        sampling_of(pipeline, options),
        on_step=(lambda step, steps: progress.update(stage, step, steps)) if on_terminal else None,
    )


def seeds_of(options: GenerateOptions) -> list[int]:
    """One seed per prompt."""
    return [options.seed + i for i in range(len(options.prompts))]


def slug(prompt: str) -> str:
    """A file name's worth of a prompt: `A red 7, moving left!` becomes a-red-7-moving-left; emoji become video."""
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "video"
