"""Drawings: the embedded digits, MNIST's files, and shapes whose areas are known."""

import gzip
import math
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from mutoscope.data.config import SpriteConfig, disc, shapes
from mutoscope.data.drawings import ASSET, RADIUS, SHAPES, draw_shape, load_drawings, read_idx, sprite_names

MNIST = Path(__file__).resolve().parents[2] / "../shared/data/mnist"


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, prefix: str, images: np.ndarray, labels: np.ndarray, zipped: bool = False) -> None:
    for name, array in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))
        else:
            (folder / name).write_bytes(idx_bytes(array))


def tiny_mnist(seed: int) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(seed).integers(0, 256, (12, 28, 28), dtype=np.uint8)
    return images, np.array([3, 1, 4, 1, 5, 9, 2, 6, 8, 7, 0, 3], np.uint8)


def test_embedded_digits_are_scikit_learns():
    """Both splits together are load_digits, every fifth drawing of a class in test; 8 pixels need no resizing."""
    source = pytest.importorskip("sklearn.datasets").load_digits()
    config = SpriteConfig(sprite_size=8)
    train, test = load_drawings(config, "train"), load_drawings(config, "test")
    assert len(train.labels) + len(test.labels) == 1797
    for label in range(10):
        images = source.images[source.target == label].astype(np.float32) / 16
        is_test = np.arange(len(images)) % 5 == 4
        np.testing.assert_allclose(test.images[test.labels == label], images[is_test], atol=1e-6)
        np.testing.assert_allclose(train.images[train.labels == label], images[~is_test], atol=1e-6)


def test_the_licence_stands_beside_the_digits():
    text = (ASSET.parent / "LICENSE-digits.txt").read_text()
    assert "CC BY 4.0" in text and "Alpaydin" in text and "BSD 3-Clause" in text


@pytest.mark.parametrize("sprites", ["digits", "shapes", "disc"])
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("side", [4, 9, 14, 21])
def test_drawings_are_squares_in_range(sprites, split, side):
    config = SpriteConfig(sprites=sprites, sprite_size=side)
    drawings = load_drawings(config, split)
    assert drawings.images.shape == (len(drawings.labels), side, side) and drawings.images.dtype == np.float32
    assert drawings.images.min() >= 0 and drawings.images.max() <= 1 and drawings.labels.dtype == np.int64
    assert drawings.names == sprite_names(config)
    assert set(drawings.labels.tolist()) == set(range(len(drawings.names)))
    assert (drawings.images.sum((1, 2)) > 0.05 * side**2).all()  # none is empty


def test_train_and_test_share_no_drawing():
    for config in (SpriteConfig(), shapes()):
        train, test = (load_drawings(config, split).images for split in ("train", "test"))
        seen = {image.tobytes() for image in train}
        assert not any(image.tobytes() in seen for image in test)


def test_enlarged_digits_are_crisp():
    """After the contrast curve most pixels are ink or paper; plain interpolation leaves nearly half in between."""
    images = load_drawings(SpriteConfig(), "train").images
    assert ((images > 0.1) & (images < 0.9)).mean() < 0.35


def test_the_disc_is_the_tutorials():
    drawings = load_drawings(disc(), "train")
    assert drawings.images.shape == (1, 14, 14)
    assert abs(drawings.images.sum() - 109) < 0.5


AREAS = {  # in units of radius squared
    "disc": math.pi,
    "square": 4 * 0.84**2,
    "triangle": 0.75 * math.sqrt(3),
    "diamond": 2.0,
    "cross": 2 * 2 * 0.6 - 0.6**2,
    "ring": math.pi * (1 - 0.56**2),
    "star": 10 * 0.5 * 1.02 * 0.42 * math.sin(math.pi / 5),
}


@pytest.mark.parametrize("name", AREAS)
def test_shapes_cover_their_area(name):
    radius = RADIUS * 64
    assert draw_shape(name, 64).sum() == pytest.approx(AREAS[name] * radius**2, rel=0.01)


@pytest.mark.parametrize("name", sorted(set(SHAPES) - {"crescent", "triangle", "star"}))
def test_symmetric_shapes_are_centred(name):
    image = draw_shape(name, 14)
    np.testing.assert_allclose(image, image[::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize("name", SHAPES)
def test_the_largest_shape_is_not_cut_off(name):
    """The sum of a shape drawn in a larger square of the same scale is the same: nothing lay outside."""
    inside, roomy = draw_shape(name, 14, 1.08), draw_shape(name, 20, 1.08 * 14 / 20)
    assert inside.sum() == pytest.approx(roomy.sum(), rel=0.02)


def test_triangle_and_star_point_upwards():
    for name in ("triangle", "star"):
        rows = np.flatnonzero(draw_shape(name, 40).sum(1) > 0.5)
        widths = (draw_shape(name, 40)[rows] > 0.5).sum(1)
        assert widths[1] < 6 and widths[-2] > widths[1]


@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_is_the_central_twenty_pixels_of_its_split(tmp_path, zipped):
    (train, labels), (test, _) = tiny_mnist(0), tiny_mnist(1)
    write_mnist(tmp_path, "train", train, labels, zipped)
    write_mnist(tmp_path, "t10k", test, labels, zipped)
    for split, images in (("train", train), ("test", test)):
        drawings = load_drawings(SpriteConfig(digits=tmp_path, sprite_size=20), split)
        np.testing.assert_allclose(drawings.images, images[:, 4:24, 4:24] / np.float32(255), atol=1e-6)
        assert drawings.labels.tolist() == labels.tolist()


def test_real_mnist():
    if not MNIST.is_dir():
        pytest.skip(f"no MNIST files in {MNIST}")
    drawings = load_drawings(SpriteConfig(digits=MNIST), "test")
    assert drawings.images.shape == (10_000, 14, 14)
    assert drawings.labels[:5].tolist() == [7, 2, 1, 0, 4]
    ones = drawings.images[drawings.labels == 1].mean(0)
    assert ones[:, 6:8].mean() > 3 * ones[:, :4].mean()  # a one is a stroke in the middle


def test_a_missing_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a folder; give the folder with train-images"):
        load_drawings(SpriteConfig(digits=tmp_path / "nowhere"), "train")
    with pytest.raises(ValueError, match="holds no t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz"):
        load_drawings(SpriteConfig(digits=tmp_path), "test")


def test_damaged_idx_files_are_named(tmp_path):
    images, labels = tiny_mnist(0)
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(labels))
    with pytest.raises(ValueError, match="starts with magic number 2049, an idx3-ubyte file with 2051"):
        read_idx(path, ndim=3)
    whole = idx_bytes(images)
    for content in (whole[:-1], whole + b"\0", whole[:9], b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"has {len(content)} bytes, its header asks for"):
            read_idx(path, ndim=3)
    zipped = tmp_path / "images.gz"
    compressed = gzip.compress(whole)
    corrupt = compressed[:100] + bytes(b ^ 255 for b in compressed[100:140]) + compressed[140:]
    for content in (compressed[:500], whole, corrupt):
        zipped.write_bytes(content)
        with pytest.raises(ValueError, match="cannot be read .* download it again") as error:
            read_idx(zipped, ndim=3)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "labels, message",
    [
        (np.arange(10), "12 images and 10 labels"),
        (np.full(12, 77), "labels 0 to 9"),
        (np.arange(12) % 9, "hold no digit 9"),
    ],
)
def test_labels_must_fit_the_images(tmp_path, labels, message):
    write_mnist(tmp_path, "train", tiny_mnist(0)[0], labels.astype(np.uint8))
    with pytest.raises(ValueError, match=re.escape(message)):
        load_drawings(SpriteConfig(digits=tmp_path), "train")
