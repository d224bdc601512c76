"""Clips from shards: the folder's own, whatever was read before, from a disk or a server, also of others' making."""

import random
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_clips import moving, mp4
from web_server import served

from mutoscope.data import shard_clips, shard_store
from mutoscope.data.clips import FolderClips
from mutoscope.data.config import ClipsConfig
from mutoscope.data.manifest import write_manifest
from mutoscope.data.open import open_clips
from mutoscope.data.pack import pack
from mutoscope.data.scan import scan
from mutoscope.data.shard_clips import ShardClips


def config_of(folder, **changes):
    return ClipsConfig.model_validate(
        {"folder": str(folder), "num_frames": 5, "height": 16, "width": 16, "fps": 10} | changes
    )


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A scanned folder and its shards of about two: videos of 3 to 16 frames, one in pieces, a folder of pictures."""
    folder, out = tmp_path_factory.mktemp("clips"), tmp_path_factory.mktemp("shards")
    for number, num_frames in enumerate((3, 5, 9, 12, 16)):
        (folder / f"{number}.mp4").write_bytes(mp4(num_frames))
        (folder / f"{number}.txt").write_text(f"clip {number}")
    (folder / "walk").mkdir()
    for number, picture in enumerate(moving(8)):
        Image.fromarray(picture).save(folder / "walk" / f"{number}.png")
    entries = scan(folder, folder).entries
    last = next(entry for entry in entries if entry.caption == "clip 4")
    entries.remove(last)
    for start, split in ((0.2, "train"), (0.9, "test")):
        piece = {"start_s": start, "end_s": start + 0.6, "num_frames": 6, "split": split, "caption": f"from {start}"}
        entries.append(last.model_copy(update=piece))
    write_manifest(folder / "manifest.jsonl", entries)
    pack(entries, folder, out, shard_bytes=9_000)
    return folder, out


def windows_of(clips, count):
    """What clips 0 … count - 1 show, by caption."""
    seen = {}
    for number in range(count):
        batch = clips.batch([number])
        seen.setdefault(batch.captions[0], set()).add(batch.frames[0].numpy().tobytes())
    return seen


@pytest.mark.parametrize("split", ["train", "test"])
def test_shards_show_what_their_folder_shows(sets, split):
    folder, out = sets
    clips = open_clips(config_of(out), split, seed=3)
    assert isinstance(clips, ShardClips)
    expected = windows_of(FolderClips(config_of(folder), split, seed=3), 600)
    assert windows_of(clips, 600) == expected  # every window of every clip comes, and no other
    assert len(expected) == (5 if split == "train" else 1)


def test_a_number_is_a_clip_whatever_was_read_before(sets, monkeypatch):
    monkeypatch.setattr(shard_store, "KEPT_BYTES", 0)  # one shard at a time
    config = config_of(sets[1], mirror=True)
    straight = [ShardClips(config, "train", 3).batch([number]) for number in range(20)]
    mixed, numbers = ShardClips(config, "train", 3), list(range(20))
    random.Random(0).shuffle(numbers)
    for number in numbers:
        batch = mixed.batch([number])
        assert torch.equal(batch.frames, straight[number].frames) and batch.captions == straight[number].captions
    batch = mixed.batch(range(7, 12))
    assert torch.equal(batch.frames, torch.cat([clip.frames for clip in straight[7:12]]))
    assert mixed.captions(range(20)) == [clip.captions[0] for clip in straight]
    assert mixed.shapes([0, 9]) == [(5, 16, 16)] * 2
    other = ShardClips(config, "train", 4)
    assert any(not torch.equal(other.batch([number]).frames, straight[number].frames) for number in range(20))


def test_kept_in_memory_or_decoded_each_time_here_or_in_another_process(sets, monkeypatch):
    kept = ShardClips(config_of(sets[1]), "train", 3)
    monkeypatch.setattr(shard_clips, "HELD_BYTES", 0)
    others = [ShardClips(config_of(sets[1], workers=count), "train", 3) for count in (0, 1)]
    for numbers in (range(4), range(4, 8), [90, 5]):
        frames = kept.batch(numbers).frames
        assert all(torch.equal(other.batch(numbers).frames, frames) for other in others)


def test_an_address_is_a_folder(sets, monkeypatch):
    with served(sets[1]) as (address, asked):
        clips = open_clips(config_of(address), "train", 3)
        assert asked == ["/shards.json"]
        here = open_clips(config_of(sets[1]), "train", 3)
        assert windows_of(clips, 12) == windows_of(here, 12)
        assert len(asked) == len(set(asked))  # what fits is downloaded once
        assert clips.identity == here.identity and len(clips) == len(here) == 6


def test_identity_changes_with_clips_and_preprocessing(sets, tmp_path):
    folder, out = sets
    config = config_of(out)
    known = [ShardClips(config, "train", 3).identity, ShardClips(config, "train", 4).identity]
    known += [ShardClips(config_of(out, **{k: v}), "train", 3).identity for k, v in (("fps", 9), ("height", 24))]
    moved = shutil.copytree(folder, tmp_path / "clips")
    (moved / "3.mp4").write_bytes(mp4(12))
    pack(scan(moved, moved).entries, moved, tmp_path / "out")
    known.append(ShardClips(config_of(tmp_path / "out"), "train", 3).identity)
    assert len(set(known)) == 5
    assert ShardClips(config_of(out, workers=2), "train", 3).identity == known[0]


def test_shapes_follow_the_clips(sets):
    config = config_of(sets[1], buckets=((8, 16, 24),))
    clips = ShardClips(config, "train", 3)
    found = dict(zip(clips.captions(range(30)), clips.shapes(range(30)), strict=True))
    assert found["clip 3"] == (8, 16, 24) and found["clip 1"] == (5, 16, 16)  # 24 x 36 pixels; the latter is short
    numbers = [clips.captions(range(30)).index(f"clip {k}") for k in (1, 3)]
    assert clips.batch(numbers[1:]).frames.shape == (1, 3, 8, 16, 24)
    with pytest.raises(ValueError, match="several shapes"):
        clips.batch(numbers)


def test_shards_of_others_train(sets, tmp_path):
    folder, out = sets
    with tarfile.open(tmp_path / "theirs.tar", "w") as tar:
        for number in (1, 2, 3):
            for suffix in ("mp4", "txt"):
                tar.add(folder / f"{number}.{suffix}", f"{number}.{suffix}")
    theirs = windows_of(open_clips(config_of(tmp_path), "train", 3), 12)
    ours = windows_of(open_clips(config_of(out), "train", 3), 150)
    assert theirs.keys() == {"clip 1", "clip 2", "clip 3"}
    assert all(windows <= ours[caption] for caption, windows in theirs.items())


def test_a_shard_of_short_clips_is_one_line(sets):
    with pytest.raises(ValueError, match=r"none of the \d clips of \d+.tar has 99 frames .* the longest has \d+. Try"):
        ShardClips(config_of(sets[1], num_frames=99), "train", 3).batch([0])


def test_a_broken_picture_is_named_by_its_shard(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "good.png")
        Path(tmp_path / "bad.png").write_bytes(b"no picture")
        for number, name in enumerate(["good"] * 4 + ["bad"]):
            tar.add(tmp_path / f"{name}.png", f"walk.{number}.png")
    with pytest.raises(ValueError, match="a.tar/walk is not a readable picture"):
        open_clips(config_of(tmp_path, fps=8), "train", 3).batch([0])
