"""The shards of a folder or of a web address: their counts now, each of them when its turn comes."""

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from urllib.parse import quote

from .manifest import MANIFEST, ManifestEntry
from .remote import download, is_address, read_text
from .shards import SHARDS, Sample, ShardFile, ShardIndex, read_index, read_samples
from .stated import stated_entry

KEPT_BYTES = 2 * 2**30
"""Of the shards that are known at a time, and so of the downloads that are kept: a set up to this size comes once."""


@dataclass(frozen=True)
class OpenShard:
    """A tar file on this machine and the clips in it, in order."""

    path: Path
    clips: Sequence[tuple[Sample, ManifestEntry]]


class ShardStore:
    """Shards by number. Only the last few that were asked for are known; no list of all clips exists."""

    def __init__(self, place: str, split: Literal["train", "test"]):
        """place: address (http, https) or folder of shards.json; a folder of tar files that has none is counted now.

        ValueError, in one line, where there are no shards, or none of this split.
        """
        self._place = place.rstrip("/").removesuffix(f"/{SHARDS}")
        self.shards = [shard for shard in self._index().shards if shard.split == split]
        if not self.shards:
            more = " Keep some when you cut: mutoscope data split DIR --test-share 0.1" if split == "test" else ""
            raise ValueError(f"{place} holds no shard of the split {split!r}.{more}")
        self._open: OrderedDict[int, OpenShard] = OrderedDict()
        self._downloads: Path | None = None

    @property
    def identity(self) -> str:
        """Changes with the clips of the split."""
        said = ShardIndex(shards=tuple(self.shards)).model_dump_json()
        return blake2b(said.encode(), digest_size=16).hexdigest()

    def open(self, number: int) -> OpenShard:
        """Shard `number`, downloaded if it has to be. ValueError where it is not what shards.json says."""
        if number not in self._open:
            self._make_room(self.shards[number].num_bytes)
            self._open[number] = self._read(self.shards[number])
        self._open.move_to_end(number)
        return self._open[number]

    def _make_room(self, num_bytes: int) -> None:
        """Forget the shards that were not asked for the longest."""
        while self._open and num_bytes + sum(self.shards[number].num_bytes for number in self._open) > KEPT_BYTES:
            _, oldest = self._open.popitem(last=False)
            if is_address(self._place):
                oldest.path.unlink()

    def _read(self, shard: ShardFile) -> OpenShard:
        path = Path(self._place) / shard.file
        if is_address(self._place):
            path = self._folder() / shard.file
            download(f"{self._place}/{quote(shard.file)}", path, shard.num_bytes)
        elif not path.is_file() or path.stat().st_size != shard.num_bytes:
            size = f"has {path.stat().st_size:,} bytes" if path.is_file() else "is missing"
            raise ValueError(f"{path} {size}; {SHARDS} says {shard.num_bytes:,}. Copy it again, or pack again.")
        clips = _clips(path, read_samples(path), shard.split)
        if len(clips) != shard.num_clips:
            raise ValueError(f"{path} holds {len(clips)} clips; {SHARDS} says {shard.num_clips}. Pack again.")
        return OpenShard(path, clips)

    def _folder(self) -> Path:
        """For downloads; of this process alone, and gone with it."""
        if self._downloads is None:
            temporary = TemporaryDirectory(prefix="mutoscope-shards-")
            weakref.finalize(self, temporary.cleanup)
            self._downloads = Path(temporary.name)
        return self._downloads

    def _index(self) -> ShardIndex:
        if is_address(self._place):
            where = f"{self._place}/{SHARDS}"
            return read_index(read_text(where), where)
        folder = Path(self._place)
        if (folder / SHARDS).is_file():
            return read_index((folder / SHARDS).read_bytes(), str(folder / SHARDS))
        return _counted(folder)


def holds_shards(place: str) -> bool:
    """Whether a place is an address, or a folder of shards rather than one with a manifest."""
    folder = Path(place)
    return is_address(place) or (
        not (folder / MANIFEST).is_file() and ((folder / SHARDS).is_file() or any(folder.glob("*.tar")))
    )


def _counted(folder: Path) -> ShardIndex:
    """What shards.json would say about tar files that others made."""
    found = []
    for path in sorted(folder.glob("*.tar")):
        samples = read_samples(path)
        if samples:
            num_clips, num_bytes = sum(len(sample.clips) or 1 for sample in samples), path.stat().st_size
            # The sizes of all members stand for the content: reading it would take as long as an epoch.
            sha = blake2b(repr(samples).encode(), digest_size=8).hexdigest()
            found.append(ShardFile(file=path.name, num_clips=num_clips, num_bytes=num_bytes, sha=sha))
    if not found:
        raise ValueError(f"{folder} holds no shards. Make some: mutoscope data pack DIR --out {folder}")
    return ShardIndex(shards=tuple(found))


def _clips(path: Path, samples: list[Sample], split: Literal["train", "test"]) -> list[tuple[Sample, ManifestEntry]]:
    found: list[tuple[Sample, ManifestEntry]] = []
    for sample in samples:
        found += [(sample, clip) for clip in sample.clips or [stated_entry(path, sample, split)]]
    return found
