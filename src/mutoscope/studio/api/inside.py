"""Looks inside a model, as jobs of the short lane: what its VAE keeps of a clip, what its words look at."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from ...config import Config
from ...model_config import CONFIG, WEIGHTS, ModelConfig
from ...vae.config import PixelConfig
from ..context import Studio, studio_of
from ..forms import Refused
from ..jobs import Job
from ..requests import Cell, VideoRequest
from ..workspace import Missing
from .generate import PACKAGED

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]


class Named(Config):
    """A run."""

    run: str


class Made(Config):
    """A finished video."""

    job: str
    number: Annotated[int, Field(ge=0, lt=1000)]


@router.post("/strip")
def strip(studio: Here, asked: Named) -> Job:
    """Some clips through the VAE of a run; Refused where it has none, or none yet."""
    folder = studio.workspace.run(asked.run) / "model"
    if not (folder / WEIGHTS).is_file():
        raise Refused({"": "there is no model yet: the run has to be trained to its end first."})
    if isinstance(ModelConfig.model_validate_json((folder / CONFIG).read_bytes()).vae, PixelConfig):
        raise Refused({"": f"{asked.run} works on pixels: there is no VAE to look through."})
    return studio.queue.submit("strip", f"the VAE of {asked.run}", asked.run, {})


@router.post("/words")
def words(studio: Here, asked: Made) -> Job:
    """What each word of a video looked at; Refused where its network attends to none."""
    source = studio.queue.jobs.get(asked.job)
    cell = _cell(studio, asked)
    folder = studio.workspace.run(source.subject) / "model" if source.subject else PACKAGED
    denoiser = ModelConfig.model_validate_json((folder / CONFIG).read_bytes()).denoiser
    if not (denoiser.text and denoiser.cross_attention):
        raise Refused({"": "this model does not attend to words: its text comes in all at once. Nothing to see."})
    request = VideoRequest(**source.payload)
    # The one video, with the settings that made it.
    one = request.model_copy(update={
        "prompts": (cell.prompt,), "seeds": (cell.seed,), "sampler": cell.sampler, "steps": (cell.steps,),
        "guidance": (cell.guidance,),
    })  # fmt: skip
    payload = {"job": asked.job, "number": asked.number, "request": one.model_dump(mode="json")}
    return studio.queue.submit("words", f"words of {cell.prompt}", source.subject, payload)


def _cell(studio: Studio, asked: Made) -> Cell:
    try:
        told = json.loads((studio.workspace.job_folder(asked.job) / "result.json").read_text())
        return Cell(**told[asked.number])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Missing(f"job {asked.job} has no video {asked.number}.") from error
