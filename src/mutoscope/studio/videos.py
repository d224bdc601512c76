"""Videos of a request, made in the worker: batch by batch, with a look at each step's estimate. Loads torch."""

import itertools
import json
import threading
import time
from pathlib import Path

import numpy as np
from torch import Tensor

from ..files import whole_file
from ..pipeline import GenerateRequest, Pipeline
from ..samplers.config import SamplingConfig
from ..video.pixels import to_uint8
from ..video.read import read_video
from ..video.sheet import contact_sheet
from ..video.write import write_video
from .jobs import Job, Jobs, State
from .requests import Cell, VideoRequest
from .workspace import Workspace

BATCH = 8
KEPT_MODELS = 2
PREVIEW_EVERY_S = 0.3
SHOWN_SIDE = 256
RESULT, PREVIEW = "result.json", "preview.webp"


class Cancelled(Exception):
    """The job was asked to leave."""


class Videos:
    """Makes videos, and keeps the models that it used last."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace
        self._models: dict[tuple[str, float], Pipeline] = {}

    def make(self, job: Job, jobs: Jobs, leaving: threading.Event) -> tuple[State, str]:
        """All videos of a request, as exact frames (npy) and mp4; result.json grows with every batch."""
        request, folder = VideoRequest(**job.payload), self._workspace.job_folder(job.id)
        folder.mkdir(parents=True, exist_ok=True)
        pipeline = self.pipeline(request.model)
        settings = settings_of(pipeline, request)
        pairs = [(prompt, seed) for prompt in request.prompts for seed in request.seeds]
        batches = [(sampling, pairs[k : k + BATCH]) for sampling in settings for k in range(0, len(pairs), BATCH)]
        progress = _Progress(job, jobs, leaving, folder, pipeline, total=sum(s.network_steps for s, _ in batches))
        cells: list[Cell] = []
        start = self.start(pipeline, request)
        try:
            for sampling, part in batches:
                begun = time.perf_counter()
                asked = GenerateRequest(
                    prompts=tuple(prompt for prompt, _ in part),
                    seeds=tuple(seed for _, seed in part),
                    num_frames=request.frames,
                    negative=request.negative,
                    sampling=sampling,
                )
                pipeline.model.reader.check((*asked.prompts, *filter(None, (request.negative,))))
                pieces = list(pipeline.stream(asked, start, on_step=progress.step))
                clips = [np.concatenate(video) for video in zip(*pieces, strict=True)]
                progress.batch_done(sampling.network_steps)
                seconds = (time.perf_counter() - begun) / len(part)
                for (prompt, seed), clip in zip(part, clips, strict=True):
                    cell = _cell(prompt, seed, sampling, request.negative, clip, pipeline.model.config.fps, seconds)
                    _write(folder, len(cells), clip, cell.fps)
                    cells.append(cell)
                with whole_file(folder / RESULT) as half:
                    half.write_text(json.dumps([cell.model_dump() for cell in cells]))
        except Cancelled:
            return ("interrupted", "the studio was closed") if leaving.is_set() else ("cancelled", "")
        finally:
            (folder / PREVIEW).unlink(missing_ok=True)
        unknown = {w: None for text in request.prompts for w in pipeline.model.reader.unknown_words(text)}
        return "done", f"the model never saw: {', '.join(map(repr, list(unknown)[:8]))}" if unknown else ""

    def pipeline(self, name: str) -> Pipeline:
        """Of a run, or the one inside the package; loaded anew where its weights have changed."""
        folder = self._workspace.run(name) if name else None
        changed = 0.0 if folder is None else (folder / "model").stat().st_mtime
        key = (name, changed)
        found = self._models.pop(key, None) or Pipeline.load(folder)
        self._models[key] = found  # last used, last
        for old in list(self._models)[:-KEPT_MODELS]:
            del self._models[old]
        return found

    def start(self, pipeline: Pipeline, request: VideoRequest) -> Tensor | None:
        """What videos begin with, of the model's size; None where nothing was sent."""
        if not request.start:
            return None
        file = self._workspace.upload(request.start)
        frames = read_video(file, max_frames=1 if request.start_is == "first_frame" else None).frames_u8
        return pipeline.fit(frames)


class _Progress:
    """Tells the table how far a job is, shows the estimate, and ends the job where it was asked to."""

    def __init__(self, job: Job, jobs: Jobs, leaving: threading.Event, folder: Path, pipeline: Pipeline, total: int):
        self._job, self._jobs, self._leaving, self._folder = job, jobs, leaving, folder
        self._model, self._total, self._before, self._shown = pipeline.model, total, 0, 0.0

    def step(self, done: int, steps: int, estimate: Tensor) -> None:
        """estimate: latents without noise, as the network sees them at this step."""
        if self._leaving.is_set() or self._jobs.get(self._job.id).asked:
            raise Cancelled
        if time.monotonic() - self._shown > PREVIEW_EVERY_S:
            frames = [to_uint8(video) for video in self._model.decode(estimate[:4]).cpu()]
            scale = max(1, SHOWN_SIDE // 2 // min(frames[0].shape[1:3]))
            write_video(self._folder / PREVIEW, np.concatenate(frames, axis=2), self._model.config.fps, scale)
            self._shown = time.monotonic()
        self._jobs.progress(self._job.id, self._before + done, self._total)

    def batch_done(self, steps: int) -> None:
        """The steps of the next batch are counted on top."""
        self._before += steps


def settings_of(pipeline: Pipeline, request: VideoRequest) -> list[SamplingConfig]:
    """One for every number of steps with every strength of guidance."""
    return [
        pipeline.sampling(steps, request.sampler, guidance, guidance=request.guidance_method)
        for steps, guidance in itertools.product(request.steps or (None,), request.guidance or (None,))
    ]


def _cell(
    prompt: str, seed: int, sampling: SamplingConfig, negative: str, clip: np.ndarray, fps: float, seconds: float
) -> Cell:
    return Cell(
        prompt=prompt,
        seed=seed,
        steps=sampling.steps,
        guidance=sampling.guidance_scale,
        sampler=sampling.sampler,
        negative=negative,
        num_frames=len(clip),
        fps=fps,
        seconds=round(seconds, 2),
    )


def _write(folder: Path, number: int, clip: np.ndarray, fps: float) -> None:
    """The exact frames, a file that a browser plays, and a still strip for where nothing plays."""
    write_video(folder / f"{number}.npy", clip, fps)
    scale = max(1, SHOWN_SIDE // min(clip.shape[1:3]))
    write_video(folder / f"{number}.mp4", clip, fps, scale)
    sheet = np.asarray(contact_sheet([clip], [""], 6, scale=max(1, scale // 3)))
    write_video(folder / f"{number}.png", sheet[None], fps=1)
