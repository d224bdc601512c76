import hashlib

import pytest
import torch
from torch import Tensor, nn

from mutoscope.data.config import disc
from mutoscope.evaluation.distance import frechet_distance
from mutoscope.evaluation.evaluate import evaluate
from mutoscope.evaluation.fvd import check_length, fvd, load_detector


class Levels(nn.Module):
    """Called as I3D is: mean of each channel and quarter of the picture, in levels of 255."""

    def forward(self, x: Tensor, rescale: bool, resize: bool, return_features: bool) -> Tensor:
        assert rescale and resize and return_features
        assert x.shape[1] == 3 and bool((x == x.round()).all()) and bool(x.min() >= 0) and bool(x.max() <= 255)
        return x.unflatten(3, (2, -1)).unflatten(5, (2, -1)).mean(dim=(2, 4, 6)).flatten(1)


class Flat(nn.Module):
    def forward(self, x: Tensor, rescale: bool, resize: bool, return_features: bool) -> Tensor:
        return x.mean()


class Other(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.fixture
def saved(tmp_path):
    def save(module: nn.Module):
        torch.jit.script(module).save(str(tmp_path / "i3d.pt"))
        return tmp_path / "i3d.pt"

    return save


def sets(channels=3, count=20, frames=10):
    generator = torch.Generator().manual_seed(0)
    shape = (count, channels, frames, 8, 8)
    return [torch.rand(shape, generator=generator) - 0.5 for _ in range(3)]


def test_a_shift_of_every_pixel_is_its_square(saved):
    detector = load_detector(saved(Levels()))
    real, other, _ = sets()
    found = fvd(detector, real + 10 / 127.5, real, other)
    assert found.generated == pytest.approx(12 * 10**2, rel=1e-3)  # 12 features, each 10 levels higher
    assert 0 < found.real < found.generated
    assert found.real == pytest.approx(frechet_distance(detector.features(other), detector.features(real)))
    assert found.protocol == "fvd-i3d-20_10f"


def test_the_file_is_named_by_its_hash(saved):
    path = saved(Levels())
    assert load_detector(path).fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def test_levels_are_whole_and_grey_becomes_three_channels(saved):
    detector = load_detector(saved(Levels()))
    clips = torch.stack([torch.full((1, 10, 8, 8), value) for value in (-1.0, 0.0, 1.0)])
    assert detector.features(clips)[:, 0].tolist() == [0, 128, 255]
    grey = sets(channels=1)[0]
    torch.testing.assert_close(detector.features(grey)[:, :4], detector.features(grey)[:, 8:])


def test_batches_are_put_together_in_order(saved):
    detector = load_detector(saved(Levels()))
    clips = sets()[0]
    torch.testing.assert_close(detector.features(clips)[13:14], detector.features(clips[13:14]))


def test_what_does_not_fit_is_said_in_one_line(saved, tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.pt is not a file; give the TorchScript file of I3D, or leave it"):
        load_detector(tmp_path / "nowhere.pt")
    (tmp_path / "text.pt").write_text("no network")
    with pytest.raises(ValueError, match=r"text.pt is not TorchScript; give the file"):
        load_detector(tmp_path / "text.pt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"weights.pt is not TorchScript"):
        load_detector(tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"i3d.pt returned \(\), I3D gives \(8, features\) for 8 clips"):
        load_detector(saved(Flat())).features(sets()[0])
    with pytest.raises(ValueError, match=r"cannot be called as I3D on \(8, 3, 10, 8, 8\)"):
        load_detector(saved(Other())).features(sets()[0])
    with pytest.raises(ValueError, match="clips of 9 frames are too short for FVD: I3D needs 10 or more"):
        check_length(9)


def test_short_clips_are_refused_before_anything_is_made(saved):
    def generate(texts, seeds):
        raise AssertionError("asked")

    with pytest.raises(ValueError, match="clips of 8 frames are too short for FVD"):
        evaluate(disc(), generate, detector=load_detector(saved(Levels())))
