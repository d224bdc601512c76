"""What each word of a prompt looked at: a video made once more, with its cross-attention as heat. Loads torch."""

import json
import threading
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..config import Config
from ..denoisers.word_attention import WordAttention
from ..evaluation.word_heat import overlay
from ..files import whole_file
from ..pipeline import GenerateRequest
from ..pipeline.request import Windows, windows_of
from ..vae.model import frame_places
from ..video.write import VideoWriter
from .jobs import Job, Jobs, State
from .requests import VideoRequest
from .videos import RESULT, SHOWN_SIDE, Cancelled, Videos, settings_of
from .workspace import Workspace

PARTS = 3
"""Of the steps: the first third, the second, the last. Video (PARTS + 1) * word + part; the last one is all steps."""
CHUNK = 32  # frames at a time


class WordCell(Config):
    """One word of a prompt."""

    word: str
    """ "" = the marks that stand for no word."""
    share: float
    """Of all attention, mean over places, steps, heads and blocks; those of all words are 1 together."""


def look(job: Job, jobs: Jobs, leaving: threading.Event, workspace: Workspace, videos: Videos) -> tuple[State, str]:
    """PARTS + 1 videos of each word as numbered mp4 files, and result.json, which says which words they are."""
    request, folder = VideoRequest(**job.payload["request"]), workspace.job_folder(job.id)
    folder.mkdir(parents=True, exist_ok=True)
    pipeline = videos.pipeline(request.model)
    model, sampling = pipeline.model, settings_of(pipeline, request)[0]
    start = videos.start(pipeline, request)
    asked = GenerateRequest(
        prompts=request.prompts, seeds=request.seeds, num_frames=request.frames, negative=request.negative,
        sampling=sampling,
    )  # fmt: skip
    with torch.no_grad():
        tokens = model.context(request.prompts).tokens
    with WordAttention(model.denoiser, tokens) as seen:
        seen.group = (0, 0)

        def on_step(done: int, total: int, estimate: Tensor) -> None:
            if leaving.is_set() or jobs.get(job.id).asked:
                raise Cancelled
            window, step = divmod(done, sampling.network_steps)
            seen.group = (window, step * PARTS // sampling.network_steps)
            jobs.progress(job.id, done, total)

        try:
            pieces = list(pipeline.stream(asked, start, on_step=on_step))
        except Cancelled:
            return ("interrupted", "the studio was closed") if leaving.is_set() else ("cancelled", "")
    video = np.concatenate([piece for (piece,) in pieces])
    maps = part_maps(seen, windows_of(model, asked, start))
    places = frame_places(model.config.vae, len(video))
    cells: list[WordCell] = []
    for word, numbers in model.reader.words(request.prompts[0]):
        heats = [part[places][..., numbers].sum(-1) for part in maps]
        cells.append(WordCell(word=word, share=round(float(heats[-1].mean()), 4)))
        _write(folder, len(cells) - 1, video, heats, model.config.fps)
    with whole_file(folder / RESULT) as half:
        half.write_text(json.dumps([cell.model_dump() for cell in cells]))
    return "done", ""


def part_maps(seen: WordAttention, windows: Windows) -> list[Float[Tensor, "f h w l"]]:
    """Of PARTS parts of the steps, then of all: shares of tokens over the latents of the whole video.

    A part without a step of its own, where there are few, is shown as all of them.
    """
    found = []
    for part in range(PARTS + 1):
        pieces = []
        for window, added in enumerate(windows.added):
            every = [group for group in seen.groups if group in [(window, other) for other in range(PARTS)]]
            if not every:
                raise ValueError("the network was never asked about the prompt: take more steps.")
            piece = seen.maps([group for group in every if group == (window, part)] or every)[0]
            pieces.append(piece if window == 0 else piece[-added:])
        found.append(torch.cat(pieces))
    return found


def _write(folder: Path, word: int, video: np.ndarray, heats: list[Tensor], fps: float) -> None:
    """One scale of heat for all parts of a word: from where it is looked at least to where it is looked at most."""
    low, high = min(float(heat.min()) for heat in heats), max(float(heat.max()) for heat in heats)
    scale = max(1, SHOWN_SIDE // min(video.shape[1:3]))
    for part, heat in enumerate(heats):
        with VideoWriter(folder / f"{(PARTS + 1) * word + part}.mp4", fps) as writer:
            for k in range(0, len(video), CHUNK):
                shown = (heat[k : k + CHUNK] - low) / max(high - low, 1e-6)
                writer.write(overlay(video[k : k + CHUNK], shown, scale))
