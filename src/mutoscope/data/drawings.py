"""What moves: small grey drawings of digits or shapes, one square each.

Digits come from the set inside the package (assets/, licence beside it) or from a folder with MNIST's idx files;
shapes are drawn from their signed distance, so their edges are antialiased exactly.
"""

import gzip
import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn import functional

from .config import SpriteConfig

DrawingSplit = Literal["train", "test"]
Distance = Float[np.ndarray, "s s"]

ASSET = Path(__file__).parent / "assets" / "digits.safetensors"
DIGIT_NAMES = tuple("0123456789")
MNIST_BORDER = 4  # MNIST centres a 20x20 digit in 28x28; the border would only make the sprite smaller
RADIUS = 0.421  # of the sprite's side; a disc in a 14 pixel sprite covers about 109 pixels, as in the tutorial
SCALES = np.linspace(0.80, 1.08, 12)  # sizes of the drawn shapes, as factors of RADIUS


@dataclass(frozen=True)
class Drawings:
    """n grey squares with values in [0, 1], and which of `names` each one shows."""

    images: Float32[np.ndarray, "n s s"]
    labels: Int64[np.ndarray, "n"]
    names: tuple[str, ...]


def sprite_names(config: SpriteConfig) -> tuple[str, ...]:
    """The identities a configuration draws, in the order of their index; needs no drawing."""
    return {"digits": DIGIT_NAMES, "shapes": tuple(SHAPES), "disc": ("disc",)}[config.sprites]


def load_drawings(config: SpriteConfig, split: DrawingSplit) -> Drawings:
    """All drawings of one split, `sprite_size` pixels wide; train and test share no drawing (except the one disc).

    ValueError: the MNIST folder is missing, or one of its files is not what it should be.
    """
    names, side = sprite_names(config), config.sprite_size
    if config.sprites == "digits":
        images, labels = _embedded_digits(split) if config.digits is None else _mnist_digits(config.digits, split)
        squares = _resize(torch.from_numpy(images), side).numpy()
        return Drawings(squares, labels.astype(np.int64), names)
    if config.sprites == "disc":
        return Drawings(draw_shape("disc", side)[None], np.zeros(1, np.int64), names)
    held = np.arange(len(SCALES)) % 3 == 1  # test sizes lie between training sizes
    scales = SCALES[held] if split == "test" else SCALES[~held]
    images = np.stack([draw_shape(name, side, scale) for name in names for scale in scales])
    return Drawings(images, np.repeat(np.arange(len(names)), len(scales)), names)


# ---------------------------------------------------------------------------------------------------- digits


def _embedded_digits(split: DrawingSplit) -> tuple[Float32[np.ndarray, "n h w"], UInt8[np.ndarray, "n"]]:
    stored = load_file(ASSET)
    chosen = stored["is_test"].astype(bool) == (split == "test")
    return stored["images"][chosen].astype(np.float32) / 16, stored["labels"][chosen]


def _mnist_digits(folder: Path, split: DrawingSplit) -> tuple[Float32[np.ndarray, "n h w"], UInt8[np.ndarray, "n"]]:
    prefix = "train" if split == "train" else "t10k"
    images = read_idx(_find_idx(folder, f"{prefix}-images-idx3-ubyte"), ndim=3)
    labels = read_idx(_find_idx(folder, f"{prefix}-labels-idx1-ubyte"), ndim=1)
    if len(images) != len(labels) or len(labels) == 0 or labels.max() > 9:
        raise ValueError(
            f"{folder}: {prefix} files hold {len(images)} images and {len(labels)} labels; "
            "MNIST has as many of both, labels 0 to 9. Download both files again."
        )
    missing = sorted(set(range(10)) - set(labels.tolist()))
    if missing:
        raise ValueError(f"{folder}: {prefix} files hold no digit {missing[0]}; every digit 0 to 9 must occur.")
    border = MNIST_BORDER if images.shape[1:] == (28, 28) else 0
    rows, columns = images.shape[1] - border, images.shape[2] - border
    return images[:, border:rows, border:columns].astype(np.float32) / 255, labels


def _find_idx(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise ValueError(f"digits={folder} is not a folder; give the folder with {name}[.gz], or leave it out.")
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise ValueError(f"digits={folder} holds no {name} or {name}.gz; put MNIST's four idx files there.")


def read_idx(path: Path, ndim: int) -> UInt8[np.ndarray, "..."]:
    """Bytes of one idx file (LeCun's format, as MNIST comes), gzipped or not, with `ndim` axes.

    ValueError: the magic number is another one, or the file is shorter or longer than its header says.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}); the file is damaged, download it again.") from None
    magic, header = 0x0800 + ndim, 4 + 4 * ndim  # 08 = unsigned byte, then the number of axes
    found = int.from_bytes(data[:4], "big")
    if len(data) >= 4 and found != magic:
        raise ValueError(f"{path} starts with magic number {found}, an idx{ndim}-ubyte file with {magic}.")
    shape = struct.unpack(f">{ndim}I", data[4:header]) if len(data) >= header else ()
    expected = header + math.prod(shape)
    if len(data) != expected or not shape:
        raise ValueError(f"{path} has {len(data)} bytes, its header asks for {expected}; download it again.")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _resize(images: Float[Tensor, "n h w"], side: int) -> Float[Tensor, "n s s"]:
    """Antialiased bicubic; enlarged strokes also get a contrast curve, else 8x8 digits look out of focus."""
    resized = functional.interpolate(images[:, None], (side, side), mode="bicubic", antialias=True)[:, 0]
    if side > images.shape[-1]:
        resized = (resized - 0.15) / 0.6
    return resized.clamp(0, 1)


# ---------------------------------------------------------------------------------------------------- shapes
# Each takes pixel offsets from the centre (y grows downwards) and a radius, and returns the signed distance to the
# outline in pixels, negative inside.


def _disc(y: Distance, x: Distance, r: float) -> Distance:
    return np.hypot(y, x) - r


def _box(y: Distance, x: Distance, half_height: float, half_width: float) -> Distance:
    return np.maximum(np.abs(y) - half_height, np.abs(x) - half_width)


def _square(y: Distance, x: Distance, r: float) -> Distance:
    return _box(y, x, 0.84 * r, 0.84 * r)


def _triangle(y: Distance, x: Distance, r: float) -> Distance:
    y = y - 0.25 * r  # centres the bounding box: the tip is at -r, the base at r/2 from the centroid
    sides = np.maximum(math.sqrt(0.75) * np.abs(x) - 0.5 * y, y)
    return sides - 0.5 * r


def _diamond(y: Distance, x: Distance, r: float) -> Distance:
    return (np.abs(y) + np.abs(x) - r) / math.sqrt(2)


def _cross(y: Distance, x: Distance, r: float) -> Distance:
    return np.minimum(_box(y, x, r, 0.3 * r), _box(y, x, 0.3 * r, r))


def _ring(y: Distance, x: Distance, r: float) -> Distance:
    return np.abs(np.hypot(y, x) - 0.78 * r) - 0.22 * r


def _star(y: Distance, x: Distance, r: float) -> Distance:
    tip, inner = 1.02 * r, 0.42 * r
    fold = 2 * math.pi / 5
    angle = np.abs(np.mod(np.arctan2(x, -y) + fold / 2, fold) - fold / 2)  # every arm onto one half arm
    along, across = np.hypot(y, x) * np.cos(angle), np.hypot(y, x) * np.sin(angle)
    edge = np.array([inner * math.cos(fold / 2) - tip, inner * math.sin(fold / 2)])
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return (along - tip) * normal[0] + across * normal[1]


def _crescent(y: Distance, x: Distance, r: float) -> Distance:
    return np.maximum(_disc(y, x, r), -_disc(y, x - 0.5 * r, 0.78 * r))


SHAPES: dict[str, Callable[[Distance, Distance, float], Distance]] = {
    "disc": _disc,
    "square": _square,
    "triangle": _triangle,
    "diamond": _diamond,
    "cross": _cross,
    "ring": _ring,
    "star": _star,
    "crescent": _crescent,
}


def draw_shape(name: str, side: int, scale: float = 1.0) -> Float32[np.ndarray, "s s"]:
    """One shape in a square of `side` pixels; values are the covered share of each pixel, to first order."""
    offsets = np.arange(side) - (side - 1) / 2
    y, x = np.meshgrid(offsets, offsets, indexing="ij")
    distance = SHAPES[name](y, x, RADIUS * side * scale)
    return np.clip(0.5 - distance, 0, 1).astype(np.float32)
