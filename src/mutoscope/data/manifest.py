"""manifest.jsonl: what is known about every clip of a folder, one JSON object per line.

`mutoscope data scan` writes it, `mutoscope data split` cuts its clips into pieces, training reads it. It may be edited
by hand: a caption, a split, a line less.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from ..config import Config
from ..files import whole_file

MANIFEST = "manifest.jsonl"
PAGE = "data.html"
"""What a scan writes beside the manifest, for people."""


class ManifestEntry(Config):
    """One clip: a whole file, or the piece of one from `start_s` to `end_s`."""

    file: str
    """Video, picture or folder of numbered pictures, relative to the manifest's folder, with / between the parts."""
    caption: str = ""
    """What is seen; empty = missing."""
    start_s: Annotated[float, Field(ge=0)] | None = None
    """When its first frame is shown, by the file's own timestamps; none = a whole file."""
    end_s: Annotated[float, Field(gt=0)] | None = None
    """When the first frame after it is shown, by the file's own timestamps; none = a whole file."""
    num_frames: Annotated[int, Field(ge=1)]
    """Frames of the clip; 1 = a picture."""
    fps: Annotated[float, Field(gt=0)]
    """Frames per second, on average where the rate varies."""
    height: Annotated[int, Field(ge=1)]
    """Rows of pixels, as shown (after rotation)."""
    width: Annotated[int, Field(ge=1)]
    """Columns of pixels, as shown."""
    split: Literal["train", "test"] = "train"
    """Whether training or measuring may see it."""
    codec: str
    """How the file is coded: h264, hevc, vp9, av1, gif, png …"""
    sha: str
    """Short hash of the file's content; equal for equal content."""

    @model_validator(mode="after")
    def _check_piece(self) -> "ManifestEntry":
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError(f"{self.file!r} has one of start_s and end_s; give both, or neither for the whole file.")
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"{self.file!r} ends at {self.end_s} s, before its start at {self.start_s} s.")
        return self

    @property
    def duration_s(self) -> float:
        """Seconds that the clip is shown for; 0 for a picture."""
        if self.start_s is not None and self.end_s is not None:
            return self.end_s - self.start_s
        return self.num_frames / self.fps if self.num_frames > 1 else 0.0


def manifest_file(path: Path) -> Path:
    """The manifest that a person means: of a folder the one in it, else the file itself."""
    return path / MANIFEST if path.is_dir() else path


def read_manifest(path: Path) -> list[ManifestEntry]:
    """Entries of a manifest, in order; `path` is the file or the folder that holds manifest.jsonl.

    Raises ValueError, in one line, where there is none or a line of it is wrong.
    """
    file = manifest_file(path)
    if not file.is_file():
        there = f"{path} holds no {MANIFEST}" if path.is_dir() else f"{path} does not exist"
        raise ValueError(f"{there}. Make one: mutoscope data scan {path if path.is_dir() else path.parent}")
    entries = []
    for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entries.append(ManifestEntry.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            told = f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, ")
            raise ValueError(
                f"{file}, line {number}: {told}. Mend the line, or make the file again: mutoscope data scan"
            ) from error
    return entries


def write_manifest(path: Path, entries: Iterable[ManifestEntry]) -> None:
    """Write the file at once or not at all; the same entries are the same bytes."""
    with whole_file(path) as half:
        half.write_text("".join(f"{entry.model_dump_json()}\n" for entry in entries), encoding="utf-8", newline="\n")
