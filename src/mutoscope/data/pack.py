"""`mutoscope data pack`: the clips of a manifest -> tar shards in the WebDataset layout (see shards.py).

A file goes in as the bytes it has, once per split: where the manifest cuts it into pieces, the sample's JSON lists them
and training decodes the pieces, as it does from the folder. Nothing is encoded again, so nothing is lost.
"""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..files import whole_file
from ..video.formats import kind_of
from ..video.pictures import frame_files
from .manifest import ManifestEntry
from .problems import shown
from .shards import SHARDS, ShardFile, ShardIndex, read_samples

Progress = Callable[[int, int], None]
"""(clips packed, clips in all)."""


@dataclass(frozen=True)
class _File:
    """A file of the manifest and the clips of one split that lie in it."""

    key: str
    paths: tuple[Path, ...]
    num_bytes: int
    clips: tuple[ManifestEntry, ...]

    @property
    def said(self) -> bytes:
        lines = [clip.model_dump_json() for clip in self.clips]
        return (lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]").encode()

    @property
    def names(self) -> list[str]:
        """Of the members that hold the clip, one per path."""
        kind = kind_of(self.paths[0])
        if len(self.paths) == 1:
            return [f"{self.key}.{kind}"]
        return [f"{self.key}.{number:06d}.{kind}" for number in range(1, len(self.paths) + 1)]


def pack(
    entries: Iterable[ManifestEntry],
    folder: Path,
    out: Path,
    shard_bytes: int = 256 * 2**20,
    on_progress: Progress = lambda done, total: None,
) -> ShardIndex:
    """Write `out`/000000.tar … and shards.json of the clips whose files lie in `folder`.

    The order is that of the files' content hashes: mixed, so that one shard is a fair sample of all, and always the
    same; so are the bytes. Shards that an interrupted call has finished are kept. A shard holds files of at most
    shard_bytes together, or one file.
    Raises ValueError, in one line, where there is no clip, a file is gone or no longer the one that was scanned, or
    `out` holds shards of another set; OSError where it cannot be written.
    """
    plan = list(_shards(_files(entries, folder), shard_bytes))
    if not plan:
        raise ValueError(f"{folder} has no clip to pack. Look through it: mutoscope data scan {folder}")
    out.mkdir(parents=True, exist_ok=True)
    names = [f"{number:06d}.tar" for number in range(len(plan))]
    if strange := sorted({file.name for file in out.glob("*.tar")} - set(names)):
        raise ValueError(f"{out} holds {strange[0]}, which is not of this set. Choose another --out, or remove it.")
    (out / SHARDS).unlink(missing_ok=True)  # it comes back when everything that it names is there
    shards, done, total = [], 0, sum(len(file.clips) for files in plan for file in files)
    for name, files in zip(names, plan, strict=True):
        if not _is_packed(out / name, files):
            with whole_file(out / name) as half:
                _write(half, files)
        clips = [clip for file in files for clip in file.clips]
        shards.append(
            ShardFile(
                file=name,
                split=clips[0].split,
                num_clips=len(clips),
                num_bytes=(out / name).stat().st_size,
                sha=_sha([out / name])[:16],
                seconds=round(sum(clip.duration_s for clip in clips), 3),
            )
        )
        done += len(clips)
        on_progress(done, total)
    index = ShardIndex(shards=tuple(shards))
    with whole_file(out / SHARDS) as half:
        half.write_text(index.model_dump_json(indent=1))
    return index


def _files(entries: Iterable[ManifestEntry], folder: Path) -> Iterator[_File]:
    """The files of the manifest in the order they are packed in: train before test, then by content."""
    clips_of: dict[tuple[bool, str, str], list[ManifestEntry]] = {}
    for entry in entries:
        clips_of.setdefault((entry.split == "test", entry.sha, entry.file), []).append(entry)
    for number, (where, clips) in enumerate(sorted(clips_of.items(), key=lambda item: item[0])):
        paths = _paths(folder / where[-1])
        clips = sorted(clips, key=lambda clip: clip.start_s or 0.0)
        yield _File(f"{number:08d}", paths, sum(path.stat().st_size for path in paths), tuple(clips))


def _shards(files: Iterable[_File], shard_bytes: int) -> Iterator[list[_File]]:
    """Files of one split each, as many as fit."""
    shard: list[_File] = []
    filled = 0
    for file in files:
        if shard and (filled + file.num_bytes > shard_bytes or file.clips[0].split != shard[0].clips[0].split):
            yield shard
            shard, filled = [], 0
        shard.append(file)
        filled += file.num_bytes
    if shard:
        yield shard


def _paths(path: Path) -> tuple[Path, ...]:
    paths = tuple(frame_files(path)) if path.is_dir() else (path,)
    if not paths or not paths[0].is_file():
        raise ValueError(f"{shown(path)} is in the manifest and not on the disk. Scan again: mutoscope data scan")
    return paths


def _is_packed(path: Path, files: list[_File]) -> bool:
    """Whether an earlier call has written this very shard; shards appear whole, so its headers tell."""
    try:
        samples = read_samples(path)
    except (OSError, ValueError):
        return False
    there = [(sample.key, sample.clips, [size for _, size in sample.places]) for sample in samples]
    return there == [(file.key, file.clips, [path.stat().st_size for path in file.paths]) for file in files]


def _write(path: Path, files: list[_File]) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for file in files:
            _check_content(file)
            _add(tar, f"{file.key}.json", io.BytesIO(file.said), len(file.said))
            for source, name in zip(file.paths, file.names, strict=True):
                with open(source, "rb") as opened:
                    _add(tar, name, opened, source.stat().st_size)


def _add(tar: tarfile.TarFile, name: str, content: io.BufferedIOBase, size: int) -> None:
    """TarInfo's own defaults are an owner without a name and a time of 0: the same bytes from everybody, always."""
    info = tarfile.TarInfo(name)
    info.size = size
    tar.addfile(info, content)


def _check_content(file: _File) -> None:
    expected = file.clips[0].sha
    if _sha(file.paths)[: len(expected)] != expected:
        raise ValueError(f"{shown(file.paths[0])} is not the file that was scanned. Scan again: mutoscope data scan")


def _sha(paths: Iterable[Path]) -> str:
    """Of what the files hold together, as the manifest has it."""
    content = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as opened:
            while chunk := opened.read(1 << 20):
                content.update(chunk)
    return content.hexdigest()
