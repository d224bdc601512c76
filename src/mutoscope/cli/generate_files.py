"""The files of `mutoscope generate`: videos written while they are made, and the contact sheet of all of them."""

import math
import re
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from .progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ..pipeline import GenerateRequest, Pipeline

BATCH = 16  # prompts at a time: memory stays the same for any number of them
SHOWN_SIDE = 256  # pixels; smaller videos are enlarged for viewing
SHEET_ROWS = 64  # videos on the contact sheet at most
SHEET_FRAMES = 9  # of each


def write_all(
    pipeline: "Pipeline",
    request: "GenerateRequest",
    start: "Tensor | None",
    end: "Tensor | None",
    out: Path,
    suffix: str,
) -> list[Path]:
    """Make and write all videos, a batch at a time, then the contact sheet; returns the files in order.

    Of each video only the piece that is being written and the frames for the sheet are in memory.
    """
    import numpy as np

    from ..video.sheet import contact_sheet
    from ..video.write import write_video

    files = [out / f"{slug(text)}-{seed}.{suffix}" for text, seed in zip(request.prompts, request.seeds, strict=True)]
    shown: list[np.ndarray] = []
    with Progress() as progress:
        for first in range(0, len(files), BATCH):
            rows = slice(first, first + BATCH)
            part = request.model_copy(update={"prompts": request.prompts[rows], "seeds": request.seeds[rows]})
            starts = start[rows] if start is not None and len(start) > 1 else start
            on_terminal = progress.console.is_terminal  # a few seconds: elsewhere lines would only be noise
            stage = "sampling" if len(files) <= BATCH else f"sampling {first // BATCH + 1}"
            on_step = (
                (lambda step, steps, x0, stage=stage: progress.update(stage, step, steps)) if on_terminal else None
            )
            pieces = pipeline.stream(part, starts, end, on_step)
            shown += _write_batch(pieces, files[rows], pipeline, request)[: SHEET_ROWS - len(shown)]
    rows = zip(request.prompts, request.seeds, strict=True)
    labels = [f"{prompt} (seed {seed})" for prompt, seed in rows][: len(shown)]
    sheet = contact_sheet(shown, labels, SHEET_FRAMES, scale=max(1, 96 // min(shown[0].shape[1:3])))
    write_video(out / "contact_sheet.png", np.asarray(sheet)[None], fps=1)
    return files


def _write_batch(
    pieces: "Iterator[list[np.ndarray]]", files: list[Path], pipeline: "Pipeline", request: "GenerateRequest"
) -> "list[np.ndarray]":
    """Write the videos piece by piece; returns of each the frames that the sheet shows."""
    import numpy as np

    from ..video.sheet import evenly_spaced
    from ..video.write import VideoWriter

    config = pipeline.model.config
    wanted = set(evenly_spaced(request.num_frames or config.num_frames, SHEET_FRAMES).tolist())
    side = min(request.size or (config.height, config.width))
    kept: list[list[np.ndarray]] = [[] for _ in files]
    done = 0
    with ExitStack() as stack:
        exact = files[0].suffix in (".png", ".npy")
        scale = 1 if exact else math.ceil(SHOWN_SIDE / side)
        writers = [stack.enter_context(VideoWriter(file, config.fps, scale)) for file in files]
        for piece in pieces:
            chosen = [k for k in range(len(piece[0])) if done + k in wanted]
            for writer, frames_u8, sheet_frames in zip(writers, piece, kept, strict=True):
                writer.write(frames_u8)
                sheet_frames.append(frames_u8[chosen])
            done += len(piece[0])
    return [np.concatenate(frames) for frames in kept]


def slug(prompt: str) -> str:
    """A file name's worth of a prompt: `A red 7, moving left!` becomes a-red-7-moving-left; emoji become video."""
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "video"
