"""What clips look like: the synthetic moving sprites and their presets."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ..config import Config

SpriteKind = Literal["digits", "shapes", "disc"]
Colour = Literal["red", "yellow", "green", "cyan", "blue", "magenta", "white"]
Direction = Literal["right", "up and right", "up", "up and left", "left", "down and left", "down", "down and right"]

COLOURS: tuple[Colour, ...] = ("red", "yellow", "green", "cyan", "blue", "magenta", "white")
DIRECTIONS: tuple[Direction, ...] = (
    "right",
    "up and right",
    "up",
    "up and left",
    "left",
    "down and left",
    "down",
    "down and right",
)


class SpriteConfig(Config):
    """Moving sprites with captions, drawn on the fly; a caption is true for the whole clip."""

    sprites: SpriteKind = "digits"
    """What moves: handwritten digits, drawn shapes, or the tutorial's disc."""
    digits: Path | None = None
    """Folder with MNIST idx files (train-images-idx3-ubyte.gz …); none = the small set inside the package."""
    colours: tuple[Colour, ...] = COLOURS
    """Colours to draw in; empty = grey clips with one channel and captions without a colour."""
    directions: tuple[Direction, ...] = DIRECTIONS
    """Directions a sprite can move in."""
    slow_speed: Annotated[float, Field(gt=0)] = 0.45
    """Pixels per frame when the caption says slowly."""
    fast_speed: Annotated[float, Field(gt=0)] = 1.05
    """Pixels per frame when the caption says quickly."""
    bounce_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of clips that bounce off the edges, under a caption of their own."""
    num_clips: Annotated[int, Field(ge=1)] | None = None
    """Different clips to train on; none = without end."""
    num_frames: Annotated[int, Field(ge=1)] = 17
    """Frames per clip."""
    height: Annotated[int, Field(ge=8)] = 32
    """Rows of pixels."""
    width: Annotated[int, Field(ge=8)] = 32
    """Columns of pixels."""
    sprite_size: Annotated[int, Field(ge=4)] = 14
    """Side of the square a sprite is drawn in, pixels."""
    fps: Annotated[float, Field(gt=0)] = 8.0
    """Frames per second written into files."""


def digits() -> SpriteConfig:
    """Ten coloured handwritten digits, eight directions, two speeds; RGB 32x32, 17 frames."""
    return SpriteConfig()


def shapes() -> SpriteConfig:
    """Drawn shapes (disc, square, triangle, …) in the colours and motions of `digits`."""
    return SpriteConfig(sprites="shapes")


def disc() -> SpriteConfig:
    """The tutorial's set: 512 clips of a grey disc on 32x32, 8 frames, four directions."""
    return SpriteConfig(
        sprites="disc",
        colours=(),
        directions=("right", "up", "left", "down"),
        bounce_share=0.0,
        num_clips=512,
        num_frames=8,
    )
