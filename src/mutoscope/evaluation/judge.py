"""Which digit or shape is it? A small classifier trained here on the real drawings that the clips are made of.

It sees a window around the tracked sprite, and is trained on windows that are shifted, turned, scaled, blurred, dimmed
and noisy, so that a decoder's softness does not cost a video its identity.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn

from ..data.config import SpriteConfig
from ..data.drawings import Drawings, load_drawings
from ..files import whole_file
from .tracking import BLANK_PEAK, HAZE, Track, intensity

VERSION = 1  # part of the cached file's name: raise it when the classifier or its training changes
SIDE = 16  # windows are brought to this many pixels
MARGIN = 2  # a window is this many pixels wider than a sprite
STEPS = 400
BATCH = 128


@dataclass(frozen=True)
class Augment:
    """How far training windows stray from the drawing: pixels of 16, degrees, factors, standard deviations."""

    shift: float = 0.8
    degrees: float = 12.0
    scale: float = 0.12
    shear: float = 0.12
    blur: float = 1.0
    noise: float = 0.08


class Judge(nn.Module):
    """Classifier of windows; `accuracy` is its share of right answers on drawings never trained on."""

    def __init__(self, names: tuple[str, ...], sprite_size: int, accuracy: float = 0.0, num_drawings: int = 0):
        super().__init__()
        self.names, self.sprite_size = names, sprite_size
        self.accuracy, self.num_drawings = accuracy, num_drawings
        self.network = nn.Sequential(
            *_block(1, 16),
            nn.MaxPool2d(2),
            *_block(16, 32),
            *_block(32, 32),
            nn.MaxPool2d(2),
            *_block(32, 64),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(64 * (SIDE // 4) ** 2, len(names)),
        )

    def forward(self, windows: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n classes"]:
        """Logits of windows with values in [0, 1]."""
        return self.network(windows)

    @torch.no_grad()
    def classify(self, frames: Float[Tensor, "b c F H W"], found: Track) -> Float[Tensor, "b F classes"]:
        """Probability of each identity in each frame; even over all of them where the frame is blank."""
        windows = crop(intensity(frames), found.centres, self.sprite_size)
        logits = torch.cat([self(part) for part in windows.flatten(0, 1)[:, None].split(1024)])
        probabilities = logits.softmax(dim=1).unflatten(0, windows.shape[:2])
        even = torch.full_like(probabilities, 1 / len(self.names))
        return torch.where(found.blank[..., None], even, probabilities)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of the weights."""
        digest = hashlib.sha256()
        for name, weight in sorted(self.state_dict().items()):
            digest.update(name.encode() + weight.contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    def save(self, path: Path) -> None:
        """Write weights, names and accuracy as one safetensors file."""
        facts = {"sprite_size": self.sprite_size, "accuracy": self.accuracy, "num_drawings": self.num_drawings}
        text = {key: repr(value) for key, value in facts.items()}
        save_whole(self.state_dict(), {"names": "\n".join(self.names)} | text, path)

    @classmethod
    def load(cls, path: Path) -> "Judge":
        """Read what `save` wrote."""
        with safe_open(path, "pt") as file:
            facts = file.metadata()
        names = tuple(facts["names"].split("\n"))
        judge = cls(names, int(facts["sprite_size"]), float(facts["accuracy"]), int(facts["num_drawings"]))
        judge.load_state_dict(load_file(path))
        return judge.eval()


def save_whole(weights: dict[str, Tensor], facts: dict[str, str], path: Path) -> None:
    """Write safetensors, whole or not at all; another process never reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as half:
        save_file(weights, half, metadata=facts)


def clip_labels(probabilities: Float[Tensor, "b F classes"]) -> Int[Tensor, " b"]:
    """One label per clip: the largest mean log-probability over its frames."""
    return probabilities.clamp(min=1e-6).log().mean(dim=1).argmax(dim=1)


def config_key(config: SpriteConfig) -> str:
    """Sixteen hexadecimal digits that name a data configuration; a judge trained for it is kept under this name."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def crop(
    bright: Float[Tensor, "b F H W"], centres: Float[Tensor, "b F 2"], sprite_size: int
) -> Float[Tensor, "b F side side"]:
    """Windows of sprite_size + 2 pixels around the nearest whole pixel, 16 x 16, brightest pixel 1.

    Whole pixels: resampling once more would blur what the judge looks at.
    """
    side = sprite_size + MARGIN
    pad = side // 2 + 1
    padded = F.pad(bright.flatten(0, 1), (pad, pad, pad, pad))
    corner = (centres.flatten(0, 1) - (side - 1) / 2).round().long() + pad  # (b F, 2)
    offset = torch.arange(side, device=bright.device)
    rows = (corner[:, 0, None] + offset).clamp(0, padded.shape[1] - 1)
    columns = (corner[:, 1, None] + offset).clamp(0, padded.shape[2] - 1)
    index = torch.arange(len(padded), device=bright.device)
    windows = padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]
    return _normalised(windows[:, None])[:, 0].unflatten(0, bright.shape[:2])


def train_judge(config: SpriteConfig, *, seed: int = 0, steps: int = STEPS, augment: Augment | None = None) -> Judge:
    """Train on the train drawings of `config`, test on its test drawings; same arguments, same judge."""
    train, test = load_drawings(config, "train"), load_drawings(config, "test")
    generator = Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # initial weights and dropout
        judge = Judge(train.names, config.sprite_size)
        if len(train.names) > 1:
            _fit(judge, train, steps, augment or Augment(), generator)
    judge.eval()
    judge.accuracy, judge.num_drawings = _accuracy(judge, test, generator), len(test.labels)
    return judge


def load_or_train_judge(config: SpriteConfig, cache: Path | None, *, seed: int = 0) -> Judge:
    """The judge kept in the folder `cache` for this data configuration, or a new one, which is then kept there."""
    if cache is None:
        return train_judge(config, seed=seed)
    path = cache / f"judge-{VERSION}-{config_key(config)}-{seed}.safetensors"
    if not path.exists():
        train_judge(config, seed=seed).save(path)
    return Judge.load(path)


def _fit(judge: Judge, drawings: Drawings, steps: int, augment: Augment, generator: Generator) -> None:
    images, labels = torch.from_numpy(drawings.images), torch.from_numpy(drawings.labels)
    middles = _centroids(images)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=6e-3, weight_decay=2e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps, pct_start=0.2)
    judge.train()
    for _ in range(steps):
        index = torch.randint(len(labels), (BATCH,), generator=generator)
        windows = _windows(images[index], middles[index], augment, generator)
        loss = F.cross_entropy(judge(windows), labels[index], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def _accuracy(judge: Judge, drawings: Drawings, generator: Generator, offsets: int = 4) -> float:
    """Share of right answers on drawings at random sub-pixel places, otherwise as they are."""
    images, labels = torch.from_numpy(drawings.images), torch.from_numpy(drawings.labels)
    images, labels = images.repeat(offsets, 1, 1), labels.repeat(offsets)
    still = Augment(shift=0.5, degrees=0.0, scale=0.0, shear=0.0, blur=0.0, noise=0.0)
    windows = _windows(images, _centroids(images), still, generator)
    found = torch.cat([judge(part).argmax(1) for part in windows.split(1024)])
    return (found == labels).float().mean().item()


def _windows(images: Tensor, middles: Tensor, augment: Augment, generator: Generator) -> Tensor:
    """Drawings (n, s, s) as the tracker would cut them out: centroid in the middle, up to random changes."""
    n, size = len(images), images.shape[1]

    def uniform(reach: float, *shape: int) -> Tensor:
        return (2 * torch.rand(n, *shape, generator=generator) - 1) * reach

    angle, scale = uniform(math.radians(augment.degrees)), 1 + uniform(augment.scale, 2)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(n, 2, 2)
    shear = torch.eye(2).repeat(n, 1, 1)
    shear[:, 0, 1] = uniform(augment.shear)
    matrix = (turn @ shear) / scale[:, None]
    side = size + MARGIN
    pixel = torch.arange(side) - (side - 1) / 2
    grid = torch.stack(torch.meshgrid(pixel, pixel, indexing="ij"), dim=-1).flip(-1)  # (side, side, 2): column, row
    places = (grid - uniform(augment.shift, 1, 1, 2)) @ matrix.transpose(1, 2)[:, None] + middles.flip(-1)[
        :, None, None
    ]
    drawn = F.grid_sample(images[:, None], (places + 0.5) * 2 / size - 1, padding_mode="zeros", align_corners=False)
    drawn = _blurred(drawn, augment.blur * torch.rand(n, generator=generator))
    drawn = drawn * (1 - 0.4 * torch.rand(n, 1, 1, 1, generator=generator) * (augment.noise > 0))
    drawn = drawn + augment.noise * torch.rand(n, 1, 1, 1, generator=generator) * torch.randn(
        drawn.shape, generator=generator
    )
    return _normalised(drawn)


def _blurred(images: Tensor, strength: Tensor) -> Tensor:
    """Mix each image with its 3x3 mean."""
    return torch.lerp(images, F.avg_pool2d(images, 3, stride=1, padding=1), strength[:, None, None, None])


def _normalised(windows: Tensor) -> Tensor:
    if windows.shape[-1] != SIDE:
        windows = F.interpolate(windows, (SIDE, SIDE), mode="bilinear", antialias=True)
    return (windows / windows.amax(dim=(2, 3), keepdim=True).clamp(min=BLANK_PEAK)).clamp(0, 1)


def _centroids(images: Tensor) -> Tensor:
    """Intensity-weighted (row, column) of drawings (n, s, s), weighted as the tracker does it."""
    weight = (images - HAZE).clamp(min=0)
    mass, place = weight.sum((1, 2)).clamp(min=1e-6), torch.arange(images.shape[1], dtype=torch.float32)
    return torch.stack([(weight.sum(2) @ place) / mass, (weight.sum(1) @ place) / mass], dim=1)


def _block(inside: int, outside: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()
