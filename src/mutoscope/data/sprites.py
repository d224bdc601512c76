"""Clips of moving sprites: clip i of a seed is a pure function of (seed, split, i), with its truth known exactly.

Every random choice is a hash of a counter rather than a draw from a generator, so a clip is the same in any batch, in
any order and in any process. Positions are (row, column) in pixels; pixel r covers r - 0.5 to r + 0.5 and rows grow
downwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int64, UInt64

from ..types import VideoBatch
from .captions import PHRASINGS, SpeedWord, caption
from .config import COLOURS, DIRECTIONS, SpriteConfig
from .drawings import load_drawings, sprite_names

SpriteSplit = Literal["train", "test", "held_out"]
SPLITS: tuple[SpriteSplit, ...] = ("train", "test", "held_out")

RGB: Float32[np.ndarray, "colours 3"] = np.array(
    [(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 1, 1)], np.float32
)
"""Red, green and blue of `COLOURS`."""

HEADINGS: Float64[np.ndarray, "directions 2"] = np.array(
    [(-math.sin(k * math.pi / 4), math.cos(k * math.pi / 4)) for k in range(len(DIRECTIONS))]
).round(15)  # else "left" would creep down by 1e-16
"""Unit vector (row, column) of `DIRECTIONS`."""

BOUNCE_FACTOR = 2.0
"""A bouncing sprite moves at this multiple of `fast_speed`."""

# Which random choice of a clip a hash is for.
BOUNCE, COMBINATION, SPEED, DRAWING, ROW, COLUMN, PHRASING, TURN = range(8)


@dataclass(frozen=True)
class SpriteTruth:
    """What happens in n clips; the first axis of every array is the clip.

    identity indexes the names; colour indexes `COLOURS` (-1 grey); direction indexes `DIRECTIONS` (-1 bouncing); speed
    in pixels per frame; positions are the sprite's centre (row, column) in pixels; drawing indexes the split's.
    """

    identity: Int64[np.ndarray, "n"]
    colour: Int64[np.ndarray, "n"]
    direction: Int64[np.ndarray, "n"]
    speed: Float32[np.ndarray, "n"]
    positions: Float32[np.ndarray, "n F 2"]
    drawing: Int64[np.ndarray, "n"]


@dataclass(frozen=True)
class SpriteBatch(VideoBatch):
    """Clips, captions and the truth about them."""

    truth: SpriteTruth


@dataclass(frozen=True)
class Combination:
    """One (identity, colour, direction) a sprite can have, with its plainest caption; colour -1 is grey."""

    identity: int
    name: str
    colour: int
    direction: int
    held_out: bool
    caption: str


def is_held_out(
    identity: Int64[np.ndarray, "*n"], colour: Int64[np.ndarray, "*n"], direction: Int64[np.ndarray, "*n"]
) -> Bool[np.ndarray, "*n"]:
    """The triples kept out of training: one in ten, by identity, index into `COLOURS` and index into `DIRECTIONS`.

    3 * colour and 7 * direction take different values modulo 10 for different colours and directions, and so do ten
    identities. So two fixed attributes exclude at most one value of the third, and any two attributes are still seen
    together as long as the third has two values. Grey (-1) and bouncing (-1) clips are never held out.
    """
    return np.asarray(((identity + 3 * colour + 7 * direction) % 10 == 0) & (colour >= 0) & (direction >= 0))


def combinations(config: SpriteConfig) -> list[Combination]:
    """Every (identity, colour, direction) of a configuration, bouncing aside.

    None is held out where an attribute has a single value: that would remove a pair of the others from training.
    """
    names = sprite_names(config)
    compositional = min(len(names), len(set(config.colours)), len(set(config.directions))) >= 2
    found = []
    for identity, name in enumerate(names):
        for colour in config.colours or (None,):
            for direction in config.directions:
                c, d = -1 if colour is None else COLOURS.index(colour), DIRECTIONS.index(direction)
                held_out = compositional and bool(is_held_out(np.array(identity), np.array(c), np.array(d)))
                found.append(Combination(identity, name, c, d, held_out, caption(config, name, colour, direction)))
    return found


class SpriteClips:
    """An endless, indexable set of clips; with `num_clips`, training clips repeat.

    train: seen combinations, training drawings. test: seen combinations, drawings never trained on. held_out:
    combinations never trained on, drawings never trained on, no bouncing.
    """

    def __init__(self, config: SpriteConfig, split: SpriteSplit, seed: int):
        """ValueError: the sprite does not fit the frame, the split is empty, or the digits' folder is unusable."""
        if split not in SPLITS:
            raise ValueError(f"split={split!r} does not exist; give one of {', '.join(SPLITS)}.")
        _check_room(config)
        self.config, self.split, self.seed = config, split, seed
        chosen = [c for c in combinations(config) if c.held_out == (split == "held_out")]
        self._bounce_share = 0.0 if split == "held_out" else config.bounce_share
        if not chosen and self._bounce_share < 1:
            raise ValueError(
                f"split={split!r} is empty: {len(sprite_names(config))} identities, {len(config.colours)} colours and "
                f"{len(config.directions)} directions leave no combination; each needs 2 or more values."
            )
        # A lone dummy row keeps indexing valid when every clip bounces.
        self._combinations = np.array([(c.identity, c.colour, c.direction) for c in chosen] or [(0, -1, 0)])
        self.drawings = load_drawings(config, "train" if split == "train" else "test")
        self.names = self.drawings.names
        self._by_label = np.argsort(self.drawings.labels, kind="stable")
        self._label_counts = np.bincount(self.drawings.labels, minlength=len(self.names))

    @property
    def identity(self) -> str:
        """Changes with the clips."""
        return f"{self.config.model_dump_json()}/{self.seed}"

    def batch(self, indices: Sequence[int] | np.ndarray) -> SpriteBatch:
        """Clips `indices` (any non-negative integers): frames (b, c, F, H, W) in [-1, 1], captions and truth."""
        truth = self.truth(indices)
        intensity = render(
            self.drawings.images[truth.drawing], truth.positions, self.config.height, self.config.width
        )  # (n, F, H, W)
        if not self.config.colours:
            frames = intensity[:, None]
        else:
            frames = RGB[truth.colour][:, :, None, None, None] * intensity[:, None]  # (n, 3, F, H, W)
        return SpriteBatch(torch.from_numpy(2 * frames - 1), self._say(indices, truth), truth)

    def captions(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        """What `batch` says about clips `indices`, without drawing them."""
        return self._say(indices, self.truth(indices))

    def shapes(self, indices: Sequence[int]) -> list[tuple[int, int, int]]:
        """(frames, rows, columns) of clips `indices`: all are alike."""
        return [(self.config.num_frames, self.config.height, self.config.width)] * len(indices)

    def truth(self, indices: Sequence[int] | np.ndarray) -> SpriteTruth:
        """What happens in clips `indices`, without drawing them."""
        clip, config = self._numbers(indices), self.config
        bounces = self._uniform(clip, BOUNCE) < self._bounce_share
        choice = self._uniform(clip, COMBINATION)
        identity, colour, direction = self._combinations[_pick(choice, len(self._combinations))].T
        num_colours = max(1, len(config.colours))
        pair = _pick(choice, len(self.names) * num_colours)  # bouncing clips have every (identity, colour)
        identity = np.where(bounces, pair // num_colours, identity)
        palette = np.array([COLOURS.index(colour) for colour in config.colours] or [-1])
        colour = np.where(bounces, palette[pair % num_colours], colour)
        fast = self._uniform(clip, SPEED) >= 0.5
        speed = np.where(fast, config.fast_speed, config.slow_speed)
        speed = np.where(bounces, BOUNCE_FACTOR * config.fast_speed, speed)
        start = np.stack([self._uniform(clip, ROW), self._uniform(clip, COLUMN)], axis=-1)
        turn = 2 * math.pi * self._uniform(clip, TURN)
        velocity = np.where(bounces[:, None], np.stack([np.sin(turn), np.cos(turn)], -1), HEADINGS[direction])
        velocity = velocity * speed[:, None]
        room = np.array([config.height, config.width], np.float64) - config.sprite_size
        corners = np.where(
            bounces[:, None, None],
            _bouncing(start, velocity, room, config.num_frames),
            _straight(start, velocity, room, config.num_frames),
        )
        first = np.cumsum(self._label_counts) - self._label_counts
        offset = _pick(self._uniform(clip, DRAWING), self._label_counts[identity])
        return SpriteTruth(
            identity=identity.astype(np.int64),
            colour=colour.astype(np.int64),
            direction=np.where(bounces, -1, direction).astype(np.int64),
            speed=speed.astype(np.float32),
            positions=(corners + (config.sprite_size - 1) / 2).astype(np.float32),
            drawing=self._by_label[first[identity] + offset].astype(np.int64),
        )

    def _say(self, indices: Sequence[int] | np.ndarray, truth: SpriteTruth) -> list[str]:
        shares = np.cumsum([phrasing.weight for phrasing in PHRASINGS])
        chosen = np.searchsorted(shares / shares[-1], self._uniform(self._numbers(indices), PHRASING), side="right")
        sentences = []
        for k, phrasing in enumerate(chosen.tolist()):
            colour, direction = int(truth.colour[k]), int(truth.direction[k])
            speed: SpeedWord = "quickly" if truth.speed[k] == np.float32(self.config.fast_speed) else "slowly"
            sentences.append(
                caption(
                    self.config,
                    self.names[truth.identity[k]],
                    COLOURS[colour] if colour >= 0 else None,
                    DIRECTIONS[direction] if direction >= 0 else None,
                    speed,
                    phrasing,
                )
            )
        return sentences

    def _numbers(self, indices: Sequence[int] | np.ndarray) -> UInt64[np.ndarray, "n"]:
        """Where training clips are counted, clip num_clips is clip 0 again."""
        finite = self.split == "train" and self.config.num_clips
        return _counters(indices) % np.uint64(finite) if finite else _counters(indices)

    def _uniform(self, clip: UInt64[np.ndarray, "n"], field: int) -> Float64[np.ndarray, "n"]:
        stream = _mix(np.array([self.seed % 2**64], np.uint64)) ^ np.uint64(SPLITS.index(self.split))
        return _uniform(_mix(_mix(stream) ^ clip) ^ np.uint64(field))


# -------------------------------------------------------------------------------------------------- randomness


def _counters(indices: Sequence[int] | np.ndarray) -> UInt64[np.ndarray, "n"]:
    values = [int(index) for index in indices]
    if values and not 0 <= min(values) <= max(values) < 2**64:
        raise ValueError(f"clip index {min(values) if min(values) < 0 else max(values)} is outside 0 to 2**64 - 1.")
    return np.array(values, np.uint64)


def _mix(z: UInt64[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
    """splitmix64's step (Steele et al. 2014, "Fast splittable pseudorandom number generators"): a bijection."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _uniform(z: UInt64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    return (_mix(z) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _pick(uniform: Float64[np.ndarray, "n"], count: int | Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
    return np.minimum((uniform * count).astype(np.int64), np.asarray(count) - 1)


# -------------------------------------------------------------------------------------------------- motion


def _check_room(config: SpriteConfig) -> None:
    """A caption is true for the whole clip only if the sprite never has to stop or leave the frame."""
    side, steps = config.sprite_size, config.num_frames - 1
    headings = np.abs(HEADINGS[[DIRECTIONS.index(d) for d in config.directions]]).max(axis=0, initial=0)
    name = "fast_speed" if config.fast_speed >= config.slow_speed else "slow_speed"
    for axis, size, heading in (("height", config.height, headings[0]), ("width", config.width, headings[1])):
        per_frame = getattr(config, name) * float(heading)
        if side > size or side + per_frame * steps > size:
            fits = 1 + int((size - side) / per_frame) if per_frame and side <= size else 0
            hint = f"num_frames up to {fits} fits" if fits else f"sprite_size up to {size} fits a still"
            raise ValueError(
                f"sprite_size={side} moving {per_frame * steps:.4g} pixels in {config.num_frames} frames "
                f"({name}={getattr(config, name):g}) does not fit {axis}={size}; {hint}, or enlarge the {axis}."
            )
        if config.bounce_share > 0 and side == size:
            raise ValueError(f"sprite_size={side} has no room to bounce in {axis}={size}; set bounce_share=0.")


def _straight(
    start: Float64[np.ndarray, "n 2"], velocity: Float64[np.ndarray, "n 2"], room: Float64[np.ndarray, "2"], frames: int
) -> Float64[np.ndarray, "n F 2"]:
    """Corners of sprites that stay inside: `start` in [0, 1) is spread over the places from which they do."""
    travel = velocity * (frames - 1)
    low, high = np.maximum(0, -travel), np.minimum(room, room - travel)
    begin = low + start * (high - low)
    path = begin[:, None] + velocity[:, None] * np.arange(frames)[:, None]
    return np.clip(path, 0, room)  # only rounding


def _bouncing(
    start: Float64[np.ndarray, "n 2"], velocity: Float64[np.ndarray, "n 2"], room: Float64[np.ndarray, "2"], frames: int
) -> Float64[np.ndarray, "n F 2"]:
    """Corners of sprites that fly straight and are mirrored at the edges, at least once within the clip.

    The axis that crosses its room soonest starts at a distance from the wall ahead that it covers in the clip, well
    after the first and before the last frame.
    """
    travel = np.abs(velocity) * (frames - 1)
    nearest, farthest = np.minimum(0.25 * travel, 0.5 * room), np.minimum(0.75 * travel, room)
    gap = nearest + start * (farthest - nearest)
    towards = np.where(velocity > 0, room - gap, gap)
    soonest = np.argmax(travel / np.maximum(room, 1e-9), axis=-1)
    begin = np.where(np.arange(2) == soonest[:, None], towards, start * room)
    return reflect(begin[:, None] + velocity[:, None] * np.arange(frames)[:, None], room)


def reflect(path: Float64[np.ndarray, "*s"], room: Float64[np.ndarray, "2"]) -> Float64[np.ndarray, "*s"]:
    """Fold an unbounded coordinate into [0, room] by mirrors at both ends: a triangle wave of period 2 * room."""
    room = np.maximum(room, 1e-9)
    return room - np.abs(np.mod(path, 2 * room) - room)


# -------------------------------------------------------------------------------------------------- drawing


def render(
    images: Float32[np.ndarray, "n s s"], positions: Float32[np.ndarray, "n F 2"], height: int, width: int
) -> Float32[np.ndarray, "n F H W"]:
    """Intensity in [0, 1] of grey drawings centred at `positions` (row, column), by linear interpolation.

    Both axes apart: a pixel of the drawing spreads over the two rows and columns next to it. Inside the frame no
    intensity is lost. The products are stacked so that every clip's have the same shape whatever the batch is, which
    keeps a clip's bits independent of its neighbours.
    """
    rows = _tent(positions[..., 0], images.shape[1], height)  # (n, F, H, s)
    columns = _tent(positions[..., 1], images.shape[2], width)  # (n, F, W, s)
    return rows @ images[:, None] @ columns.swapaxes(-1, -2)


def _tent(centre: Float32[np.ndarray, "n F"], side: int, size: int) -> Float[np.ndarray, "n F size side"]:
    first = centre - np.float32((side - 1) / 2)
    pixels = np.arange(size, dtype=np.float32)[:, None] - np.arange(side, dtype=np.float32)
    return np.maximum(0, 1 - np.abs(pixels - first[..., None, None]))
