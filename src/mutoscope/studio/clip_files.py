"""A clip for a browser: its first frame, and a file that plays."""

import io
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ..data.manifest import ManifestEntry
from .workspace import Missing, Workspace

SIDE = 160
"""Pixels of the longer side of a thumbnail."""
PLAYED_SIDE, PLAYED_FRAMES = 320, 480
"""Of what is converted to be played."""
PLAYABLE = {".mp4": ("h264", "vp9", "av1"), ".webm": ("vp8", "vp9", "av1")}
"""What browsers play as it is, by suffix and codec."""


def plays(entry: ManifestEntry) -> bool:
    """Whether browsers play the file itself."""
    return entry.codec in PLAYABLE.get(Path(entry.file).suffix.lower(), ())


def thumbnail(workspace: Workspace, path: Path, entry: ManifestEntry) -> Path:
    """The clip's first frame, webp, made when it is asked for. ValueError where the file cannot be decoded."""
    made = _place(workspace, path, entry, ".webp")
    if not made.is_file():
        from PIL import Image

        with _in_words(entry):
            (frame,) = _frames(path, entry, SIDE, 1)
            content = io.BytesIO()
            Image.fromarray(frame).save(content, "WEBP", quality=70)
            half = made.with_suffix(f".{uuid.uuid4().hex}")  # two browsers may ask at once
            half.write_bytes(content.getvalue())
            os.replace(half, made)
    return made


def playable(workspace: Workspace, path: Path, entry: ManifestEntry) -> Path:
    """The file itself, or a small mp4 of the clip, made once. ValueError where it cannot be decoded."""
    if plays(entry):
        return path
    made = _place(workspace, path, entry, ".mp4")
    if not made.is_file():
        from ..video.write import write_video

        with _in_words(entry):
            frames = _frames(path, entry, PLAYED_SIDE, PLAYED_FRAMES)
            write_video(made, frames, min(240.0, max(0.1, entry.fps)))
    return made


@contextmanager
def _in_words(entry: ManifestEntry) -> Iterator[None]:
    from ..video.formats import first_line

    try:
        yield
    except ValueError:
        raise
    except Exception as error:  # whatever a decoder comes up with: it is this file's trouble, not the studio's
        raise ValueError(f"{entry.file} cannot be shown: {type(error).__name__}, {first_line(error)}.") from error


def _frames(path: Path, entry: ManifestEntry, side: int, count: int) -> np.ndarray:
    """The first ones of a clip, with a longer side of this many pixels at most."""
    from ..video.decode import decode

    scale = min(1.0, side / max(entry.height, entry.width))
    height, width = (max(2, round(pixels * scale)) for pixels in (entry.height, entry.width))
    return decode(path, entry.fps, height, width, entry.start_s, entry.end_s, max_frames=count)


def _place(workspace: Workspace, path: Path, entry: ManifestEntry, suffix: str) -> Path:
    """Where the outcome is kept: by what the file is now, so that another one of the same name has its own."""
    try:
        about = path.stat()
    except OSError as error:
        raise Missing(f"{entry.file} is missing.") from error
    said = f"{path}|{about.st_mtime_ns}|{about.st_size}|{entry.start_s}|{entry.end_s}"
    folder = workspace.own / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{blake2b(said.encode(), digest_size=16).hexdigest()}{suffix}"
