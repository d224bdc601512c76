"""What clips look like: a folder of your own, or the synthetic moving sprites and their presets."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from ..config import Config

Frames = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=8)]
ClipShape = tuple[int, int, int]
"""Frames, rows, columns."""
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
    num_sprites: Literal[1, 2] = 1
    """Sprites in a clip; two have different ones of the colours red, green and blue."""
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
    num_frames: Frames = 17
    """Frames per clip."""
    height: Side = 32
    """Rows of pixels."""
    width: Side = 32
    """Columns of pixels."""
    sprite_size: Annotated[int, Field(ge=4)] = 14
    """Side of the square a sprite is drawn in, pixels."""
    fps: Annotated[float, Field(gt=0)] = 8.0
    """Frames per second written into files."""

    @property
    def channels(self) -> int:
        """Channels of the frames: RGB, or grey where there are no colours."""
        return 3 if self.colours else 1

    @property
    def sizes(self) -> tuple[ClipShape, ...]:
        """Shapes that clips can have."""
        return ((self.num_frames, self.height, self.width),)


class ClipsConfig(Config):
    """Captioned clips of your own: a folder that `mutoscope data scan` has looked through, or tar shards of one."""

    folder: str = "clips"
    """Folder with manifest.jsonl or tar shards, the manifest itself, or an http address of shards."""
    num_frames: Frames = 17
    """Frames per clip; longer videos give windows of this length."""
    height: Side = 64
    """Rows of pixels, after the clip is scaled down and cropped around its centre."""
    width: Side = 64
    """Columns of pixels."""
    fps: Annotated[float, Field(gt=0)] = 12.0
    """Frames per second; a video's frames are chosen to come at this rate."""
    buckets: tuple[tuple[Frames, Side, Side], ...] = ()
    """Further shapes (frames, rows, columns): a clip goes where its aspect ratio fits best, then its length."""
    mirror: bool = False
    """Half of the training clips are shown mirrored; wrong where left and right mean something."""
    zoom: Annotated[float, Field(ge=1, le=4)] = 1.0
    """Above 1, training clips show a part of the frames, as small as 1 / zoom of the sides, anywhere: more views of
    few clips."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that decode ahead of training; for sets too large to be kept in memory."""

    @property
    def channels(self) -> int:
        """Channels of the frames: RGB."""
        return 3

    @property
    def sizes(self) -> tuple[ClipShape, ...]:
        """Shapes that clips can have."""
        return ((self.num_frames, self.height, self.width), *self.buckets)


def _kind(value: Any) -> str:
    """Whose clips a configuration is about: only one's own have a folder."""
    return (
        "(clips)" if isinstance(value, ClipsConfig) or (isinstance(value, dict) and "folder" in value) else "(sprites)"
    )


DataConfig = Annotated[
    Annotated[SpriteConfig, Tag("(sprites)")] | Annotated[ClipsConfig, Tag("(clips)")], Discriminator(_kind)
]
"""Either kind. Told apart before validation, so that a mistake is reported for the one that was meant."""


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
