"""Shards hold the files' own bytes, are the same from everybody, and go on where a call was interrupted."""

import hashlib
import io
import json
import os
import tarfile

import numpy as np
import pytest
from PIL import Image

from mutoscope.data.manifest import ManifestEntry
from mutoscope.data.pack import pack
from mutoscope.data.shards import read_index, read_samples


def entry(file, content, **changes):
    sha = hashlib.sha256(content).hexdigest()[:16]
    known = {"file": file, "caption": f"what {file} shows", "num_frames": 12, "fps": 10, "height": 24, "width": 36}
    return ManifestEntry.model_validate(known | {"codec": "h264", "sha": sha} | changes)


@pytest.fixture
def clips(tmp_path):
    """A folder and its entries: four files of 3,000 bytes, one cut into pieces, its last one for measuring."""
    folder, entries = tmp_path / "clips" / "a b", []
    folder.mkdir(parents=True)
    for number in range(4):
        content = bytes([number]) * 3000
        (folder / f"ü{number}.mp4").write_bytes(content)
        entries.append(entry(f"a b/ü{number}.mp4", content))
    pieces = [{"start_s": 0.5 * k, "end_s": 0.5 * k + 0.5, "split": "test" if k == 2 else "train"} for k in range(3)]
    entries[2:3] = [entries[2].model_copy(update=piece) for piece in pieces]
    return tmp_path / "clips", entries


def members(path):
    """Samples by the rule of WebDataset: names up to their first dot, in a stream from front to back."""
    samples = {}
    with tarfile.open(path, "r|") as tar:
        for member in tar:
            key, _, suffix = member.name.partition(".")
            samples.setdefault(key, {})[suffix] = tar.extractfile(member).read()
            assert list(samples)[-1] == key  # members of a sample are neighbours
    return samples


def test_shards_hold_every_clip_and_the_files_own_bytes(clips, tmp_path):
    folder, entries = clips
    index = pack(entries, folder, tmp_path / "out", shard_bytes=7000)
    assert [shard.split for shard in index.shards] == ["train", "train", "test"]  # two files fit, three do not
    assert sum(shard.num_clips for shard in index.shards[:2]) == 5 and index.shards[2].num_clips == 1
    assert read_index((tmp_path / "out" / "shards.json").read_bytes(), "it") == index
    packed = []
    for shard in index.shards:
        assert (tmp_path / "out" / shard.file).stat().st_size == shard.num_bytes
        for sample in members(tmp_path / "out" / shard.file).values():
            lines = json.loads(sample["json"])
            those = [ManifestEntry.model_validate(line) for line in (lines if isinstance(lines, list) else [lines])]
            assert sample["mp4"] == (folder / those[0].file).read_bytes()
            assert {line.split for line in those} == {shard.split}
            packed += those
    assert sorted(packed, key=repr) == sorted(entries, key=repr)


def test_bytes_do_not_depend_on_who_packs_when_from_where(clips, tmp_path):
    folder, entries = clips
    pack(entries, folder, tmp_path / "one")
    moved = tmp_path / "moved"
    folder.rename(moved)
    for file in moved.rglob("*.mp4"):
        os.utime(file, (1, 1))
        file.chmod(0o600)
    pack(entries[::-1], moved, tmp_path / "two")
    contents = [{path.name: path.read_bytes() for path in (tmp_path / out).iterdir()} for out in ("one", "two")]
    assert contents[0] == contents[1] and len(contents[0]) == 3


def test_an_interrupted_call_is_gone_on_with(clips, tmp_path):
    folder, entries = clips
    pack(entries, folder, tmp_path / "whole", 3000)

    def strike(done, total):
        if done >= 3:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        pack(entries, folder, out, 3000, strike)
    assert sorted(path.suffix for path in out.iterdir()) == [".tar"] * len(list(out.iterdir()))
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    pack(entries, folder, out, 3000)
    assert before and all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "whole").iterdir()
    }


def test_a_caption_that_was_edited_is_packed_anew(clips, tmp_path):
    folder, entries = clips
    pack(entries, folder, tmp_path / "out")
    edited = [line.model_copy(update={"caption": line.caption[::-1]}) for line in entries]
    pack(edited, folder, tmp_path / "out")
    captions = [clip.caption for sample in read_samples(tmp_path / "out" / "000000.tar") for clip in sample.clips]
    assert len(captions) == 5 and set(captions) == {line.caption for line in edited}


def test_while_shards_are_exchanged_there_is_no_index(clips, tmp_path):
    folder, entries = clips
    pack(entries, folder, tmp_path / "out")

    def strike(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(
            [line.model_copy(update={"caption": "other"}) for line in entries], folder, tmp_path / "out", 2**28, strike
        )
    assert not (tmp_path / "out" / "shards.json").exists()


def test_a_folder_of_pictures_is_one_sample(tmp_path):
    folder, whole = tmp_path / "clips" / "walk", b""
    folder.mkdir(parents=True)
    for number in (1, 2, 10):
        Image.fromarray(np.full((16, 16, 3), number, np.uint8)).save(folder / f"{number}.png")
        whole += (folder / f"{number}.png").read_bytes()
    pack([entry("walk", whole, num_frames=3, codec="png")], tmp_path / "clips", tmp_path / "out")
    (sample,) = read_samples(tmp_path / "out" / "000000.tar")
    content = (tmp_path / "out" / "000000.tar").read_bytes()
    pictures = [Image.open(io.BytesIO(content[first : first + size])) for first, size in sample.places]
    assert [int(np.asarray(picture)[0, 0, 0]) for picture in pictures] == [1, 2, 10] and sample.kind == "png"


def test_what_cannot_be_packed_is_one_line(clips, tmp_path):
    folder, entries = clips
    with pytest.raises(ValueError, match="has no clip to pack"):
        pack([], folder, tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "000009.tar").write_bytes(b"")
    with pytest.raises(ValueError, match=r"holds 000009.tar, which is not of this set. Choose another --out"):
        pack(entries, folder, tmp_path / "other")
    (folder / entries[0].file).write_bytes(b"x" * 3000)
    with pytest.raises(ValueError, match=r"ü0.mp4 is not the file that was scanned. Scan again"):
        pack(entries, folder, tmp_path / "out")
    (folder / entries[0].file).unlink()
    with pytest.raises(ValueError, match=r"ü0.mp4 is in the manifest and not on the disk"):
        pack(entries, folder, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
