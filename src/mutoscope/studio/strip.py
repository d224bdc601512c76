"""Clips through a run's VAE as pictures to look at, made in the worker. Loads torch."""

import json
import threading

import numpy as np
from jaxtyping import UInt8

from ..config import Config
from ..data.config import DataConfig, SpriteConfig
from ..data.open import Clips, open_clips
from ..evaluation.reconstruction import psnr
from ..evaluation.vae_strip import VaeStrip, vae_strip
from ..files import whole_file
from ..pipeline import Pipeline
from ..training.run_folder import read_config
from ..video.pixels import enlarge, to_frames
from ..video.write import write_video
from .jobs import Job, Jobs, State
from .videos import RESULT
from .workspace import Workspace

CLIPS = 3
ROWS = 4
"""Pictures of a clip: picture ROWS * clip + row is original, latents, reconstruction or difference."""
MOST_FRAMES = 33
SIDE, GAP = 64, 3
GROUND = 24  # dark and neutral, as on contact sheets


class StripCell(Config):
    """One clip of a strip."""

    caption: str
    unseen: bool
    """Not trained on."""
    psnr: float
    """Of the reconstruction, dB, mean over frames."""
    frames: int
    latents: tuple[int, ...]
    """Channels, latent frames, rows, columns."""


def look_through(
    job: Job, jobs: Jobs, leaving: threading.Event, workspace: Workspace, pipeline: Pipeline
) -> tuple[State, str]:
    """ROWS pictures of each of some clips as numbered png files, and result.json, which says what they are."""
    folder = workspace.job_folder(job.id)
    folder.mkdir(parents=True, exist_ok=True)
    clips, unseen = _clips(read_config(workspace.run(job.subject)).data, workspace)
    cells: list[StripCell] = []
    for number in range(CLIPS):
        if leaving.is_set() or jobs.get(job.id).asked:
            return ("interrupted", "the studio was closed") if leaving.is_set() else ("cancelled", "")
        batch = clips.batch([number])
        strip = vae_strip(pipeline.model, batch.frames)
        if strip is None:
            raise ValueError(f"{job.subject} works on pixels: there is no VAE to look through.")
        for row, picture in enumerate(pictures(strip)):
            write_video(folder / f"{ROWS * number + row}.png", picture[None], fps=1)
        cells.append(_cell(batch.captions[0], unseen, strip))
        jobs.progress(job.id, len(cells), CLIPS)
        with whole_file(folder / RESULT) as half:
            half.write_text(json.dumps([cell.model_dump() for cell in cells]))
    return "done", ""


def pictures(strip: VaeStrip) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Original, latents, reconstruction, difference: of one width, so that what belongs together stands together."""
    spans, shown = strip.spans(MOST_FRAMES)
    mosaics = [strip.mosaic(index) for index in range(len(spans))]
    height, width = mosaics[0].shape
    rows, columns = strip.frames_u8.shape[1:3]
    scale = max(1, -(-SIDE // min(rows, columns)), -(-width // columns))  # a latent frame fits under one frame
    original, rebuilt, lost = (
        _frame_row(clip[:shown], scale) for clip in (strip.frames_u8, strip.reconstruction_u8, strip.difference_u8)
    )
    cell = scale * columns + GAP
    zoom = (cell - GAP) // width
    latents = np.full((zoom * height, original.shape[1], 3), GROUND, np.uint8)
    begin = 0
    for mosaic, span in zip(mosaics, spans, strict=True):
        left = begin + (span * cell - GAP - zoom * width) // 2
        latents[:, left : left + zoom * width] = enlarge(np.stack([mosaic] * 3, axis=-1)[None], zoom)[0]
        begin += span * cell
    return [original, latents, rebuilt, lost]


def _frame_row(clip: UInt8[np.ndarray, "F H W 3"], scale: int) -> UInt8[np.ndarray, "h w 3"]:
    padded = np.pad(enlarge(clip, scale), ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=GROUND)
    return np.concatenate(list(padded), axis=1)[:, :-GAP]


def _clips(data: DataConfig, workspace: Workspace) -> tuple[Clips, bool]:
    """Clips that were kept for measuring, or, where none were, those of training; and whether they are unseen."""
    if isinstance(data, SpriteConfig):
        return open_clips(data, "test", seed=0), True
    # What was typed in the workspace is meant from there; nothing is fetched ahead for three clips.
    data = data.model_copy(update={"folder": str(workspace.folder / data.folder), "workers": 0})
    try:
        return open_clips(data, "test", seed=0), True
    except ValueError:
        return open_clips(data, "train", seed=0), False


def _cell(caption: str, unseen: bool, strip: VaeStrip) -> StripCell:
    found, real = (to_frames(clip)[None] for clip in (strip.reconstruction_u8, strip.frames_u8))
    return StripCell(
        caption=caption,
        unseen=unseen,
        psnr=round(float(psnr(found, real).mean()), 1),
        frames=len(strip.frames_u8),
        latents=strip.latents.shape,
    )
