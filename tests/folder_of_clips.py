"""A scanned folder, without the scan: small clips and their manifest."""

from hashlib import sha256

from small_clips import moving

from mutoscope.data.manifest import MANIFEST, ManifestEntry, write_manifest
from mutoscope.video.write import write_video


def make_folder(folder, lengths=(12, 20, 9), height=24, width=36, fps=10.0, test=0):
    """Clips 0.mp4, 1.mp4, … of these many frames; the last `test` of them are of the split test."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number, num_frames in enumerate(lengths):
        file = folder / f"{number}.mp4"
        write_video(file, moving(num_frames, height, width, seed=number), fps)
        entries.append(
            ManifestEntry(
                file=file.name, caption=f"a block over pattern {number}", num_frames=num_frames, fps=fps, height=height,
                width=width, split="test" if number >= len(lengths) - test else "train", codec="h264",
                sha=sha256(file.read_bytes()).hexdigest()[:16],
            )
        )  # fmt: skip
    write_manifest(folder / MANIFEST, entries)
    return entries
