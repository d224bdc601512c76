"""The latent cache: as good as encoding live, and never stale."""

import pytest
import torch
from safetensors.torch import load_file
from tiny import awake_model, tiny_run

from mutoscope.data import cache
from mutoscope.data.cache import encode_latents, load_latents
from mutoscope.data.sprites import SpriteClips
from mutoscope.training.run import cache_key, measure_statistics


class Encoder:
    """Encodes and counts."""

    def __init__(self, encode):
        self.encode, self.clips = encode, 0

    def __call__(self, frames):
        self.clips += len(frames)
        return self.encode(frames)


@pytest.fixture
def parts():
    config = tiny_run()
    model = awake_model(config)
    return Encoder(model.encode), SpriteClips(config.data, "train", 0), model


def test_cached_equals_live(tmp_path, parts):
    encode, clips, model = parts
    path = tmp_path / "cache" / "latents.safetensors"
    first = encode_latents(encode, clips, 7, path, "key", batch_size=3)
    again = encode_latents(encode, clips, 7, path, "key", batch_size=3)
    assert encode.clips == 7  # the second time comes from the file
    assert torch.equal(first, again) and first.dtype == torch.float32 and not first.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(first, model.encode(clips.batch(range(7)).frames), rtol=0, atol=1e-5)
    assert list(path.parent.iterdir()) == [path]


def test_another_key_encodes_anew(tmp_path, parts):
    encode, clips, _ = parts
    path = tmp_path / "latents.safetensors"
    encode_latents(encode, clips, 4, path, "one")
    assert load_latents(path, "two") is None
    encode_latents(encode, clips, 4, path, "two")
    assert encode.clips == 8
    assert load_latents(path, "one") is None and load_latents(path, "two") is not None


def test_another_number_of_clips_encodes_anew(tmp_path, parts):
    encode, clips, _ = parts
    path = tmp_path / "latents.safetensors"
    assert len(encode_latents(encode, clips, 4, path, "key")) == 4
    assert len(encode_latents(encode, clips, 6, path, "key")) == 6
    assert len(encode_latents(encode, clips, 2, path, "key")) == 2


@pytest.mark.parametrize("content", [b"", b"not a cache"])
def test_a_damaged_cache_is_made_anew(tmp_path, parts, content):
    encode, clips, _ = parts
    path = tmp_path / "latents.safetensors"
    expected = encode_latents(encode, clips, 4, path, "key")
    path.write_bytes(content)
    assert torch.equal(encode_latents(encode, clips, 4, path, "key"), expected)
    assert torch.equal(load_file(path)["latents"], expected)


def test_a_cut_cache_is_made_anew(tmp_path, parts):
    encode, clips, _ = parts
    path = tmp_path / "latents.safetensors"
    expected = encode_latents(encode, clips, 4, path, "key")
    path.write_bytes(path.read_bytes()[:-8])
    assert load_latents(path, "key") is None
    assert torch.equal(encode_latents(encode, clips, 4, path, "key"), expected)


def test_a_full_disk_leaves_the_old_cache_and_no_debris(tmp_path, parts, monkeypatch):
    encode, clips, _ = parts
    path = tmp_path / "latents.safetensors"
    old = encode_latents(encode, clips, 4, path, "old")

    def full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        encode_latents(encode, clips, 4, path, "new")
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(load_latents(path, "old"), old)


def test_progress_counts_clips(tmp_path, parts):
    encode, clips, _ = parts
    seen = []
    encode_latents(
        encode, clips, 7, tmp_path / "l.safetensors", "key", batch_size=3, on_batch=lambda *counts: seen.append(counts)
    )
    assert seen == [(3, 7), (6, 7), (7, 7)]


def test_key_changes_with_weights_statistics_and_clips(parts):
    _, clips, model = parts
    data = clips.config
    keys = [cache_key(model.vae, data)]
    assert cache_key(model.vae, data) == keys[0]
    keys.append(cache_key(model.vae, data.model_copy(update={"num_frames": 3})))
    with torch.no_grad():
        model.vae.encoder.stem.bias[0] += 1e-3
    keys.append(cache_key(model.vae, data))
    measure_statistics(model.vae, clips)
    keys.append(cache_key(model.vae, data))
    assert len(set(keys)) == 4
