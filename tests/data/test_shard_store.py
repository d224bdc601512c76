"""Shards of a folder and of a web server: the same clips, few of them at hand, and nothing that came only in part."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from small_clips import mp4
from web_server import served

from mutoscope.data import remote, shard_store
from mutoscope.data.manifest import write_manifest
from mutoscope.data.pack import pack
from mutoscope.data.scan import scan
from mutoscope.data.shard_store import ShardStore, holds_shards
from mutoscope.data.shards import Member


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Seven scanned clips of 6 … 12 frames in shards of about two."""
    folder, out = tmp_path_factory.mktemp("clips"), tmp_path_factory.mktemp("shards")
    for number in range(7):
        (folder / f"{number}.mp4").write_bytes(mp4(6 + number))
        (folder / f"{number}.txt").write_text(f"clip {number}")
    entries = scan(folder, folder).entries
    pack(entries, folder, out, shard_bytes=8_000)
    return folder, entries, out


def everything(store, order=None):
    """(entry, bytes) of all clips, by opening shards in an order."""
    found = {}
    for number in order or range(len(store.shards)):
        shard = store.open(number)
        assert len(shard.clips) == store.shards[number].num_clips
        for sample, entry in shard.clips:
            with Member(shard.path, *sample.places[0]) as member:
                found[entry.file] = entry, member.read()
    return found


def test_a_folder_and_its_address_hold_the_same(packed):
    folder, entries, out = packed
    expected = {entry.file: (entry, (folder / entry.file).read_bytes()) for entry in entries}
    assert everything(ShardStore(str(out), "train")) == expected
    with served(out.parent) as (address, _):
        assert everything(ShardStore(f"{address}/{out.name}/", "train")) == expected
        assert ShardStore(f"{address}/{out.name}/", "train").identity == ShardStore(str(out), "train").identity
        assert everything(ShardStore(f"{address}/{out.name}/shards.json", "train")) == expected


def test_few_shards_are_kept_and_none_afterwards(packed, monkeypatch):
    out = packed[2]
    with served(out) as (address, asked):
        store = ShardStore(address, "train")
        assert len(store.shards) >= 3 and asked == ["/shards.json"]
        sizes = [shard.num_bytes for shard in store.shards]
        monkeypatch.setattr(shard_store, "KEPT_BYTES", sizes[0] + max(sizes[1:3]))  # room for two
        downloads = store.open(0).path.parent
        for number in (0, 1, 0):
            store.open(number)
        assert len(asked) == 3
        store.open(2)  # takes the place of the one that was not asked for the longest
        assert {path.name for path in downloads.iterdir()} == {store.shards[k].file for k in (0, 2)}
        assert everything(store, [2, 1, 0, *range(len(store.shards))]) == everything(ShardStore(str(out), "train"))
    del store
    assert not downloads.exists() and out.exists()


def test_a_shard_that_is_not_what_the_index_says(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "WAIT_S", 0.001)
    out = shutil.copytree(packed[2], tmp_path / "out")
    first = out / "000000.tar"
    whole = first.read_bytes()
    first.write_bytes(whole[:-512])
    with pytest.raises(ValueError, match=r"000000.tar has [\d,]+ bytes; shards.json says [\d,]+. Copy it again"):
        ShardStore(str(out), "train").open(0)
    with (
        served(out) as (address, asked),
        pytest.raises(ValueError, match=rf"{address}/000000.tar cannot be read \([\d,]+ bytes came instead of"),
    ):
        ShardStore(address, "train").open(0)
    first.unlink()
    with pytest.raises(ValueError, match="000000.tar is missing; shards.json says"):
        ShardStore(str(out), "train").open(0)
    first.write_bytes(whole)
    index = json.loads((out / "shards.json").read_text())
    index["shards"][0]["num_clips"] += 1
    (out / "shards.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="holds . clips; shards.json says"):
        ShardStore(str(out), "train").open(0)
    with pytest.raises(ValueError, match="holds no shard of the split 'test'.*--test-share"):
        ShardStore(str(out), "test")
    with pytest.raises(ValueError, match="holds no shards. Make some: mutoscope data pack"):
        ShardStore(str(tmp_path), "train")


def test_shards_of_others_are_counted_and_looked_at(packed, tmp_path):
    folder, entries, _ = packed
    (tmp_path / "other's").mkdir()
    for number in range(2):
        with tarfile.open(tmp_path / "other's" / f"a b-{number}.tar", "w") as tar:
            for entry in entries[number::2]:
                for suffix in ("mp4", "txt"):
                    tar.add((folder / entry.file).with_suffix(f".{suffix}"), f"x/{Path(entry.file).stem}.{suffix}")
    store = ShardStore(str(tmp_path / "other's"), "train")
    assert [shard.num_clips for shard in store.shards] == [4, 3]
    assert store.identity != ShardStore(str(packed[2]), "train").identity
    known = ("caption", "num_frames", "fps", "height", "width", "codec")
    found = {e.caption: e.model_dump(include=set(known)) for e, _ in everything(store).values()}
    assert found == {e.caption: e.model_dump(include=set(known)) for e in entries}


def test_which_places_hold_shards(packed, tmp_path):
    folder, entries, out = packed
    assert holds_shards("https://host/x") and holds_shards(str(out)) and not holds_shards(str(folder))
    both = shutil.copytree(out, tmp_path / "both")
    write_manifest(both / "manifest.jsonl", entries)
    assert not holds_shards(str(both))
