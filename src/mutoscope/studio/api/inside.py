"""Looks inside a model, as jobs of the short lane: what its VAE keeps of a clip."""

from typing import Annotated

from fastapi import APIRouter, Depends

from ...config import Config
from ...model_config import CONFIG, WEIGHTS, ModelConfig
from ...vae.config import PixelConfig
from ..context import Studio, studio_of
from ..forms import Refused
from ..jobs import Job

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]


class Named(Config):
    """A run."""

    run: str


@router.post("/strip")
def strip(studio: Here, asked: Named) -> Job:
    """Some clips through the VAE of a run; Refused where it has none, or none yet."""
    folder = studio.workspace.run(asked.run) / "model"
    if not (folder / WEIGHTS).is_file():
        raise Refused({"": "there is no model yet: the run has to be trained to its end first."})
    if isinstance(ModelConfig.model_validate_json((folder / CONFIG).read_bytes()).vae, PixelConfig):
        raise Refused({"": f"{asked.run} works on pixels: there is no VAE to look through."})
    return studio.queue.submit("strip", f"the VAE of {asked.run}", asked.run, {})
