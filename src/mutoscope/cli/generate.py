"""`mutoscope generate PROMPT ...`: one video file per prompt, and a contact sheet."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from pydantic import Field

from ..config import Config
from ..samplers.config import GuidanceName, SamplerName
from .folders import check_writable, load_pipeline
from .generate_files import write_all
from .given import check_given, read_given
from .parse import parse, say

if TYPE_CHECKING:
    from torch import Tensor

    from ..pipeline import GenerateRequest, Pipeline

DESCRIPTION = """Make one video per prompt. The files are named after prompt and seed; contact_sheet.png shows them all.

mutoscope generate "a red 7 moving left" "a blue 3 moving up" --out videos/"""
EXAMPLE = 'mutoscope generate "a red 7 moving left"'
Side = Annotated[int, Field(ge=8, le=4096)]


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
    negative: Annotated[str, tyro.conf.arg(metavar="PROMPT")] = ""
    """What guidance moves away from; empty = from no prompt at all."""
    frames: Annotated[Annotated[int, Field(ge=1, le=100_001)] | None, tyro.conf.arg(metavar="INT")] = None
    """Frames per video, given ones included; none = as in training."""
    size: Annotated[tuple[Side, Side] | None, tyro.conf.arg(metavar="HEIGHT WIDTH")] = None
    """Pixels; none = as in training."""
    first_frame: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="IMG [IMG ...]")] = ()
    """Pictures to begin with: one for all prompts, or one each. Needs a model trained with given frames (demo_long)."""
    continue_from: Annotated[tuple[Path, ...], tyro.conf.arg(name="continue", metavar="CLIP [CLIP ...]")] = ()
    """Clips to go on from: one for all prompts, or one each. A video begins with the end of its clip."""
    between: Annotated[tuple[Path, Path] | None, tyro.conf.arg(metavar="IMG IMG")] = None
    """Pictures to begin and to end with."""
    history: Annotated[Annotated[int, Field(ge=1)] | None, tyro.conf.arg(metavar="INT")] = None
    """Latent frames that long videos and --continue go on from; none = the model's own."""
    history_guidance: Annotated[Annotated[float, Field(ge=0, le=100)] | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Strength of guidance towards given frames, 1 = off; none = the model's own."""
    as_json: Annotated[bool, tyro.conf.arg(name="json"), tyro.conf.FlagCreatePairsOff] = False
    """Print only [{"file", "prompt", "seed"}, ...], for scripts."""


def run(args: list[str]) -> int:
    """The verb."""
    begun = time.perf_counter()
    options = parse(GenerateOptions, args, "mutoscope generate", DESCRIPTION)
    check_prompts(options.prompts)
    check_given(options)
    check_writable(options.out)
    pipeline = load_pipeline(options.model)
    if options.weak_model is not None:
        pipeline = type(pipeline)(pipeline.model, load_pipeline(options.weak_model).model)
    request = request_of(pipeline, options)
    start, end = read_given(
        pipeline, options, request.size or (pipeline.model.config.height, pipeline.model.config.width)
    )
    check_fits(pipeline, request, start, end)
    files = write_all(pipeline, request, start, end, options.out, options.format)
    if options.as_json:
        rows = zip(files, options.prompts, request.seeds, strict=True)
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


def request_of(pipeline: "Pipeline", options: GenerateOptions) -> "GenerateRequest":
    """What is asked for, with the model's own settings where no option was given."""
    from ..pipeline import GenerateRequest

    sampling = pipeline.sampling(
        options.steps,
        options.sampler,
        options.guidance,
        options.eta,
        options.guidance_method,
        options.guidance_rescale,
        options.history,
        options.history_guidance,
    )
    return GenerateRequest(
        prompts=options.prompts,
        seeds=tuple(options.seed + i for i in range(len(options.prompts))),
        num_frames=options.frames,
        size=options.size,
        negative=options.negative,
        sampling=sampling,
    )


def check_fits(pipeline: "Pipeline", request: "GenerateRequest", start: "Tensor | None", end: "Tensor | None") -> None:
    """Refuse what the model cannot do, before the first video is made; words it never saw are only told."""
    pipeline.stream(request, start, end)  # says what is wrong; nothing is computed before a piece is asked for
    model, texts = pipeline.model, (*request.prompts, *filter(None, (request.negative,)))
    for one in (model, pipeline.weak_model or model):
        one.reader.check(texts)
    unknown = {word: None for text in texts for word in model.reader.unknown_words(text)}
    if unknown and model.config.denoiser.text:
        words = ", ".join(repr(word[:30]) for word in list(unknown)[:8])
        say(f"note: this model never saw {words}{' …' if len(unknown) > 8 else ''}; it reads them as one unknown word.")
