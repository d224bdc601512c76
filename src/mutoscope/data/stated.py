"""What a clip says about itself, where nobody has looked at it before: its header and its first picture."""

from itertools import islice
from pathlib import Path
from typing import Literal

from ..video.formats import DEFAULT_FPS, PICTURES
from ..video.pictures import pictures, rgb, spread
from ..video.stream import open_video, upright_size
from .manifest import ManifestEntry
from .shards import Member, Sample


def stated_entry(tar: Path, sample: Sample, split: Literal["train", "test"]) -> ManifestEntry:
    """The line that a manifest would have for a sample which brings none; of no content hash.

    Nothing is decoded but the first picture, so a clip that lies about its length is only found out when it is read.
    Raises Unreadable where it is no clip.
    """
    name = tar / f"{sample.key}.{sample.kind}"  # what errors call it
    with Member(tar, *sample.places[0]) as file:
        if sample.kind in PICTURES:
            num_frames, fps, height, width = _of_pictures(name, file, len(sample.places))
            codec = sample.kind
        else:
            num_frames, fps, height, width, codec = _of_video(name, file)
    return ManifestEntry(
        file=f"{sample.key}.{sample.kind}",
        caption=sample.caption,
        num_frames=num_frames,
        fps=fps,
        height=height,
        width=width,
        split=split,
        codec=codec,
        sha="",
    )


def _of_video(name: Path, file: Member) -> tuple[int, float, int, int, str]:
    with open_video(name, file) as video:
        stream, container = video.stream, video.container
        seconds = (container.duration or 0) / 1_000_000
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        (first,) = islice(video.frames(), 1)
        num_frames = stream.frames or max(1, round(seconds * video.fps))
        return num_frames, video.fps, *upright_size(first), stream.codec_context.codec.canonical_name


def _of_pictures(name: Path, file: Member, num_files: int) -> tuple[int, float, int, int]:
    """Numbered pictures are one clip of a picture each; a single file may hold several."""
    durations_ms, height, width = [], 0, 0
    for image, duration_ms in islice(pictures(name, file), None if num_files == 1 else 1):
        if not durations_ms:
            height, width, _ = rgb(image).shape
        durations_ms.append(duration_ms)
    if num_files > 1:
        return num_files, DEFAULT_FPS, height, width
    shown, fps = spread(durations_ms)
    return sum(shown), fps, height, width
