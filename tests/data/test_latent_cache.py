"""The latent cache: a cached clip is the encoded one to the bit, and what is stale or damaged is never used."""

import json

import pytest
import torch

from mutoscope.data import cache
from mutoscope.data.cache import encode_latents
from mutoscope.types import VideoBatch


class Source:
    """Clips of two shapes, every third one smaller; clip i is a function of i. Remembers what it was asked for."""

    def __init__(self):
        self.read = []

    def shapes(self, indices):
        return [(3, 8, 12) if i % 3 == 2 else (5, 8, 8) for i in indices]

    def batch(self, indices):
        self.read += indices
        (shape,) = set(self.shapes(indices))
        frames = [torch.rand(3, *shape, generator=torch.Generator().manual_seed(i)) for i in indices]
        return VideoBatch(torch.stack(frames), [""] * len(frames))


def encode(frames):
    """As a VAE does: other channels, fewer rows and columns, numbers that are no round ones."""
    return torch.cat([frames, frames.square()[:, :1]], dim=1)[..., ::4, ::4] / 3


def expected(row):
    return encode(Source().batch([row]).frames)[0]


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A cache of n clips in shards of two batches of four, and the notices that making it gave."""
    monkeypatch.setattr(cache, "SHARD_BYTES", 5 * expected(0).nbytes)

    def make(num_clips, key="key", source=None, **options):
        notices = []
        options = {"batch_size": 4, "on_notice": notices.append, **options}
        source = source or Source()
        made = encode_latents(encode, source, num_clips, tmp_path / "latents", key, **options)
        assert len(made) == num_clips
        for row in range(num_clips):  # whatever happened before: the right latents of the right clip
            assert torch.equal(made[torch.tensor([row])][0], expected(row))
        return made, source.read, notices

    return make


@pytest.mark.parametrize("held", [True, False], ids=["in memory", "from files"])
def test_cached_equals_encoded_in_any_order(make, held, monkeypatch):
    monkeypatch.setattr(cache, "HELD_BYTES", 2**40 if held else 0)
    make(11)
    made, read, notices = make(11)
    assert read == [] and notices == []
    rows = torch.tensor([10, 0, 3, 3, 9, 1])
    latents = made[rows]
    assert latents.dtype == torch.float32 and not latents.requires_grad
    assert torch.equal(latents, torch.stack([expected(row) for row in rows.tolist()]))
    assert made.shapes([0, 2]) == [(4, 5, 2, 2), (4, 3, 2, 3)]
    with pytest.raises(ValueError, match="several shapes"):
        made[torch.tensor([0, 2])]
    moved = made.to(torch.device("meta"))  # stands for a GPU: only what memory holds goes there
    assert moved.shapes([0, 2]) == [(4, 5, 2, 2), (4, 3, 2, 3)]
    assert moved[rows].device.type == ("meta" if held else "cpu")


def test_a_stopped_encoding_goes_on_where_it_stopped(make):
    def stop(done, total):
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(20, on_batch=stop)
    _, read, notices = make(20)
    assert sorted(read) == list(range(12, 20)) and notices == []


def test_a_killed_encoding_goes_on_at_the_first_missing_shard(make, tmp_path):
    class Killed(BaseException):
        pass

    class Fragile(Source):
        def batch(self, indices):
            if max(indices) == 14:
                raise Killed
            return super().batch(indices)

    with pytest.raises(Killed):
        make(20, source=Fragile())
    assert not list((tmp_path / "latents").glob("*.part"))
    _, read, notices = make(20)
    assert sorted(read) == list(range(8, 20)) and notices == []


def test_more_clips_are_added_and_fewer_need_nothing(make):
    make(6)
    assert sorted(make(9)[1]) == [6, 7, 8]
    assert make(4)[1] == []
    assert make(9)[1] == []


def test_latents_of_another_vae_are_made_anew(make, tmp_path):
    make(9, key="one")
    _, read, notices = make(5, key="two")
    assert sorted(read) == list(range(5))
    assert len(notices) == 1 and "was made by another VAE or of other clips; encoding goes on from clip 0" in notices[0]
    assert len(list((tmp_path / "latents").iterdir())) == 2  # the index and one shard: the old ones are gone


def damaged(file):
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "words", "clips"),
    [
        (damaged, "000001.safetensors is damaged", range(8, 20)),
        (lambda file: file.write_bytes(file.read_bytes()[:-4]), "000001.safetensors is damaged", range(8, 20)),
        (lambda file: file.unlink(), "000001.safetensors is missing", range(8, 20)),
        (lambda file: (file.parent / "index.json").write_text("{"), "index.json cannot be read", range(20)),
    ],
    ids=["one bit", "cut off", "missing", "index"],
)
def test_a_damaged_cache_is_told_and_made_anew_from_there(make, tmp_path, harm, words, clips):
    make(20)
    harm(tmp_path / "latents" / "000001.safetensors")
    _, read, notices = make(20)
    assert sorted(read) == list(clips)
    assert len(notices) == 1 and words in notices[0] and f"goes on from clip {clips[0]}." in notices[0]


def test_a_full_disk_keeps_the_shards_that_are_whole(make, tmp_path, monkeypatch):
    save = cache.save_file

    def full(tensors, path):
        if path.name.startswith("000001"):
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(tensors, path)

    monkeypatch.setattr(cache, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        make(20)
    folder = tmp_path / "latents"
    assert sorted(path.name for path in folder.iterdir()) == ["000000.safetensors", "index.json"]
    assert len(json.loads((folder / "index.json").read_text())["shards"]) == 1
    monkeypatch.undo()
    assert sorted(make(20)[1]) == list(range(8, 20))


def test_large_clips_are_encoded_one_at_a_time(make, monkeypatch):
    monkeypatch.setattr(cache, "BATCH_PIXELS", 5 * 8 * 8)
    sizes = []

    class Counting(Source):
        def batch(self, indices):
            sizes.append(len(indices))
            return super().batch(indices)

    make(7, source=Counting())
    assert set(sizes) == {1}


def test_progress_counts_clips(make):
    seen = []
    make(7, batch_size=3, on_batch=lambda *counts: seen.append(counts))
    assert seen == [(3, 7), (6, 7), (7, 7)]
