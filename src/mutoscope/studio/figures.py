"""An interactive figure of the course, computed in the worker for every position of its slider. Loads torch."""

import threading

import numpy as np
from jaxtyping import UInt8

from ..config import Config
from ..files import whole_file
from ..learn.figure import Asked, Drawn
from ..learn.figures import draw_of
from ..pipeline import Pipeline
from ..video.write import write_video
from .jobs import Job, Jobs, State
from .requests import SHOWN, FigureRequest
from .videos import Cancelled
from .workspace import Workspace


class Panel(Config):
    """One picture of a figure: number.png has a row for each position, and in it the frames side by side."""

    caption: str
    frames: int
    height: int
    width: int


class FigureShown(Config):
    """What a page needs to know beside the pictures."""

    fps: float
    begin: int
    """Position at first."""
    values: tuple[str, ...]
    """Of the slider, by position."""
    said: tuple[str, ...]
    """In sentences, by position."""
    panels: tuple[Panel, ...]


def draw_figure(
    job: Job, jobs: Jobs, leaving: threading.Event, workspace: Workspace, pipeline: Pipeline
) -> tuple[State, str]:
    """One png file for each picture, and what a page needs to know."""
    request, folder = FigureRequest(**job.payload["request"]), workspace.job_folder(job.id)
    folder.mkdir(parents=True, exist_ok=True)

    def tell(done: int, total: int) -> None:
        if leaving.is_set() or jobs.get(job.id).asked:
            raise Cancelled
        jobs.progress(job.id, done, total)

    try:
        drawn = draw_of(request.figure)(pipeline, Asked(request.prompt, request.number), tell)
    except Cancelled:
        return ("interrupted", "the studio was closed") if leaving.is_set() else ("cancelled", "")
    for number in range(len(drawn.captions)):
        write_video(folder / f"{number}.png", sheet(drawn, number)[None], fps=1)
    with whole_file(folder / SHOWN) as half:
        half.write_text(_shown(drawn).model_dump_json())
    unknown = pipeline.model.reader.unknown_words(request.prompt)
    return "done", f"the model never saw: {', '.join(map(repr, unknown))}" if unknown else ""


def sheet(drawn: Drawn, number: int) -> UInt8[np.ndarray, "rows columns 3"]:
    """All clips of one caption: a row for each position, frames side by side."""
    return np.concatenate([np.concatenate(list(one.clips[number]), axis=1) for one in drawn.positions])


def _shown(drawn: Drawn) -> FigureShown:
    clips = drawn.positions[0].clips
    return FigureShown(
        fps=drawn.fps,
        begin=drawn.begin,
        values=tuple(one.value for one in drawn.positions),
        said=tuple(one.said for one in drawn.positions),
        panels=tuple(
            Panel(caption=caption, frames=len(clip), height=clip.shape[1], width=clip.shape[2])
            for caption, clip in zip(drawn.captions, clips, strict=True)
        ),
    )
