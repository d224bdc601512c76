import pytest
import torch

from mutoscope.data.config import SpriteConfig
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation import controls
from mutoscope.evaluation.features import VideoFeatures, train_features

SMALL = SpriteConfig(num_frames=9, height=24, width=24)


def clips(n, seed=0):
    batch = SpriteClips(SMALL, "train", seed).batch(range(n))
    return batch.frames, {"colour": torch.from_numpy(batch.truth.colour)}


def test_training_repeats_and_comes_back_from_disk(tmp_path):
    frames, labels = clips(48)
    first, again = (train_features(frames, labels, seed=1, steps=3) for _ in range(2))
    assert first.fingerprint == again.fingerprint != train_features(frames, labels, seed=2, steps=3).fingerprint
    first.save(tmp_path / "features.safetensors")
    back = VideoFeatures.load(tmp_path / "features.safetensors")
    assert back.fingerprint == first.fingerprint and back.label_sizes == {"colour": 7}
    torch.testing.assert_close(back.features(frames), first.features(frames))


def test_features_of_the_training_clips_are_standardised_and_do_not_depend_on_the_batch():
    frames, _ = clips(48)
    network = train_features(frames, steps=3)
    features = network.features(frames)
    torch.testing.assert_close(features.mean(0), torch.zeros(64), atol=1e-4, rtol=0)
    assert features.var(0).mean().item() == pytest.approx(1, rel=1e-3)
    torch.testing.assert_close(network.features(frames, batch_size=7), features, atol=1e-3, rtol=1e-3)


def test_size():
    parameters = sum(p.numel() for p in VideoFeatures(3, {"identity": 10}).parameters())
    assert 100_000 < parameters < 200_000


def test_large_clips_are_shrunk():
    assert VideoFeatures(1, {}).eval()(torch.zeros(2, 1, 5, 64, 96)).shape == (2, 64)


def test_too_short():
    with pytest.raises(ValueError, match="at least 4 frames, got 3"):
        train_features(torch.zeros(4, 1, 3, 16, 16))


def test_controls_do_what_they_say():
    frames, _ = clips(5)
    generator = torch.Generator().manual_seed(0)
    mixed = controls.shuffled(frames, generator)
    assert not torch.equal(mixed, frames)
    torch.testing.assert_close(mixed.sum(2), frames.sum(2))  # the same frames, in another order
    assert torch.equal(controls.static(frames)[:, :, 5], frames[:, :, 0])
    assert torch.equal(controls.held(frames)[:, :, 7], frames[:, :, 3])
    assert torch.equal(controls.spliced(frames)[1, :, :4], frames[1, :, :4])
    assert torch.equal(controls.spliced(frames)[1, :, 4:], frames[0, :, 4:])
    torch.testing.assert_close(controls.blurred(torch.ones(1, 1, 2, 6, 6)), torch.ones(1, 1, 2, 6, 6))
