"""Tar shards in the WebDataset layout: what lies in them, and reading it without ever extracting a file.

The members of a sample share their name up to its first dot: `00000012.mp4` beside `00000012.json`. The JSON is the
clip's line of the manifest, or a list of lines where the manifest cut the file into several clips; shards of others may
give a caption only, as `"caption"` in the JSON or as `00000012.txt`. A clip that is a folder of pictures is
`00000012.000001.png`, `00000012.000002.png`, … `shards.json` beside the shards says how many clips each holds, so that
nobody has to look inside before a shard's turn comes.
"""

import io
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from ..config import Config
from ..video.formats import PICTURES, STREAMS, first_line
from .manifest import ManifestEntry
from .problems import shown

SHARDS = "shards.json"
MAX_TEXT_BYTES = 2**20
"""Of a JSON or text member: more is no caption."""


class ShardFile(Config):
    """One line of shards.json."""

    file: Annotated[str, Field(pattern=r"^[^./\\:][^/\\:]*\.tar$")]
    """Name of the tar file, beside shards.json. Nothing but a name: it is never a way to another folder or host."""
    split: Literal["train", "test"] = "train"
    """What all its clips are for."""
    num_clips: Annotated[int, Field(ge=1)]
    num_bytes: Annotated[int, Field(ge=1)]
    """Size of the tar file: what comes shorter was cut off on its way."""
    sha: str
    """Short hash of its content."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """How long all its clips are together; none = nobody has looked."""


class ShardIndex(Config):
    """shards.json."""

    shards: tuple[ShardFile, ...]


@dataclass(frozen=True)
class Sample:
    """Members of one name: a video or a picture at one place of the tar file, or pictures at several."""

    key: str
    kind: str
    """The suffix: mp4, webp, png …"""
    places: tuple[tuple[int, int], ...]
    """(offset, size) in bytes, one per picture."""
    clips: tuple[ManifestEntry, ...]
    """Empty where the shard's maker said no more than a caption."""
    caption: str


class Member(io.RawIOBase):
    """A stretch of a file as a file of its own."""

    def __init__(self, path: Path, offset: int, size: int):
        self._file, self._offset, self._size, self._at = open(path, "rb", buffering=0), offset, size, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As any file."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """As any file; ends where the member ends."""
        self._file.seek(self._offset + self._at)
        count = self._file.readinto(memoryview(buffer).cast("B")[: max(0, self._size - self._at)])
        self._at += count
        return count

    def close(self) -> None:
        """Close the file below, too."""
        self._file.close()
        super().close()


def read_index(text: str | bytes, where: str) -> ShardIndex:
    """shards.json; ValueError, in one line, for anything else. where: what the message calls it."""
    try:
        index = ShardIndex.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(
            f"{where} is not readable ({place}: {first['msg']}). Make it again: mutoscope data pack"
        ) from error
    return index


def read_samples(path: Path) -> list[Sample]:
    """What a tar file holds, in order: one pass over its headers and JSON, none over its videos.

    Links, devices and folders are passed over, names are only compared. ValueError where it is cut off or no tar file.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        # "r:" opens plain tar files only: nothing is unpacked, so nothing can swell.
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse():
                    folder, slash, name = member.name.rpartition("/")
                    key, _, suffix = name.partition(".")
                    found.setdefault(folder + slash + key, {})[suffix.lower()] = member.offset_data, member.size
    except tarfile.TarError as error:
        raise ValueError(f"{path} is cut off or no plain tar file ({error}). Pack or download it again.") from error
    samples = [_sample(path, key, places) for key, places in found.items()]
    return [sample for sample in samples if sample is not None]


def _sample(path: Path, key: str, places: dict[str, tuple[int, int]]) -> Sample | None:
    """None where nothing of it is a clip."""
    kinds = {suffix: suffix.rpartition(".")[2] for suffix in places}
    streams = sorted(suffix for suffix, kind in kinds.items() if kind in STREAMS)
    pictures = sorted(suffix for suffix, kind in kinds.items() if kind in PICTURES)
    numbered = [suffix for suffix in pictures if suffix.partition(".")[0].isdigit()]
    chosen = streams[:1] or numbered or pictures[:1]  # beside a video, a picture is its thumbnail
    if not chosen:
        return None
    clips, caption = _described(path, key, places)
    return Sample(key, kinds[chosen[0]], tuple(places[suffix] for suffix in chosen), clips, caption)


def _described(path: Path, key: str, places: dict[str, tuple[int, int]]) -> tuple[tuple[ManifestEntry, ...], str]:
    """Clips and caption of a sample, as its JSON or text tells."""
    if "json" in places:
        wrong = f"{path}, member {shown(key)}.json"
        try:
            said = json.loads(_text(path, places["json"], wrong))
            lines = said if isinstance(said, list) else [said]
            if all(isinstance(line, dict) and {"file", "num_frames", "sha"} <= line.keys() for line in lines):
                return tuple(map(ManifestEntry.model_validate, lines)), ""
        except ValueError as error:
            raise ValueError(f"{wrong} is not readable ({first_line(error)}). Pack or download it again.") from error
        if isinstance(said, dict) and isinstance(said.get("caption"), str):
            return (), said["caption"]
    if "txt" in places:
        return (), _text(path, places["txt"], f"{path}, member {shown(key)}.txt").strip()
    return (), ""


def _text(path: Path, place: tuple[int, int], wrong: str) -> str:
    if place[1] > MAX_TEXT_BYTES:
        raise ValueError(f"{wrong} has {place[1]:,} bytes; a caption has at most {MAX_TEXT_BYTES:,}.")
    with Member(path, *place) as member:
        return member.read().decode("utf-8", "replace")
