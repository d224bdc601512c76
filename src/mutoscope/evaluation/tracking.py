"""Where the bright thing on black is, where it goes, how fast and in which colour: read off, nothing learned.

Pixels are row and column; a velocity is (rows, columns) per frame, so `up` has a negative first component.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.config import COLOURS, DIRECTIONS, Colour, Direction
from ..data.sprites import HEADINGS, RGB

HAZE = 0.2  # intensity below this is background: a decoder's black is never exactly black
BLANK_PEAK = 0.45  # a frame whose brightest pixel stays below this shows nothing
BLANK_AREA = 4.0  # ... and so does one with less bright area than this, in pixels
MIN_SPEED = 0.15  # px/frame: slower than this is standing still, and has no direction
MIN_STRAIGHTNESS = 0.8  # share of the centroid's variance that a straight line must explain to count as motion


@dataclass(frozen=True)
class Track:
    """The path of one sprite per clip.

    centres: (row, column) in pixels, the middle of the picture where the frame is blank. velocity: px/frame, least
    squares over the frames that show something. straightness: share of the centroid's variance that this line
    explains, 0 to 1 (0 for a clip that stands still). residual: rms distance from the line, pixels.
    """

    centres: Float[Tensor, "b F 2"]
    blank: Bool[Tensor, "b F"]
    velocity: Float[Tensor, "b 2"]
    straightness: Float[Tensor, " b"]
    residual: Float[Tensor, " b"]

    @property
    def speed(self) -> Float[Tensor, " b"]:
        """Pixels per frame."""
        return self.velocity.norm(dim=1)


def intensity(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b F H W"]:
    """Brightest channel of each pixel, 0 (black) to 1: a red and a white sprite are equally bright."""
    return ((frames.float() + 1) / 2).amax(dim=1).clamp(0, 1)


def track(frames: Float[Tensor, "b c F H W"]) -> Track:
    """Follow the intensity-weighted centroid through every clip."""
    bright = intensity(frames)
    weight = (bright - HAZE).clamp(min=0)
    mass = weight.sum(dim=(2, 3))
    blank = (bright.amax(dim=(2, 3)) < BLANK_PEAK) | (mass < BLANK_AREA * (1 - HAZE))
    height, width = bright.shape[2:]
    rows = torch.arange(height, dtype=torch.float32, device=frames.device)
    columns = torch.arange(width, dtype=torch.float32, device=frames.device)
    row = (weight.sum(3) @ rows) / mass.clamp(min=1e-6)
    column = (weight.sum(2) @ columns) / mass.clamp(min=1e-6)
    middle = torch.tensor([(height - 1) / 2, (width - 1) / 2], device=frames.device)
    centres = torch.where(blank[..., None], middle, torch.stack([row, column], dim=2))
    velocity, straightness, residual = fit_lines(centres, ~blank)
    return Track(centres, blank, velocity, straightness, residual)


def fit_lines(
    points: Float[Tensor, "b F 2"], seen: Bool[Tensor, "b F"]
) -> tuple[Float[Tensor, "b 2"], Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Least-squares line through the seen points: velocity, share of variance explained, rms residual (pixels).

    A clip with fewer than three seen frames, or fewer than half of them, has no motion: all three are 0.
    """
    seen = seen & ((2 * seen.sum(1) >= seen.shape[1]) & (seen.sum(1) >= 3))[:, None]
    weight = seen.double()
    count = weight.sum(1).clamp(min=1)
    frame = torch.arange(points.shape[1], dtype=torch.float64, device=points.device)
    centred_frame = (frame - ((weight * frame).sum(1) / count)[:, None]) * weight
    mean = (points.double() * weight[..., None]).sum(1) / count[:, None]
    centred = (points.double() - mean[:, None]) * weight[..., None]
    spread = centred_frame.square().sum(1).clamp(min=1e-12)
    velocity = (centred_frame[..., None] * centred).sum(1) / spread[:, None]
    left = centred - velocity[:, None] * centred_frame[..., None]
    total, unexplained = centred.square().sum((1, 2)), left.square().sum((1, 2))
    straightness = torch.where(total > 1e-9, 1 - unexplained / total.clamp(min=1e-9), torch.zeros_like(total))
    return velocity.float(), straightness.clamp(0, 1).float(), (unexplained / count).sqrt().float()


def direction_of(
    found: Track, allowed: tuple[Direction, ...] = DIRECTIONS, min_speed: float = MIN_SPEED
) -> Int[Tensor, " b"]:
    """Index into DIRECTIONS of the nearest allowed direction; -1 for a clip that stands still or jumps about.

    min_speed: px/frame below which a clip stands still.
    """
    choices = torch.tensor([DIRECTIONS.index(name) for name in allowed], device=found.velocity.device)
    headings = torch.from_numpy(HEADINGS).to(found.velocity)[choices]
    nearest = choices[(found.velocity @ headings.T).argmax(dim=1)]
    moves = (found.speed >= min_speed) & (found.straightness >= MIN_STRAIGHTNESS)
    return torch.where(moves, nearest, torch.full_like(nearest, -1))


def mean_colour(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b c"]:
    """Mean colour of each clip weighted by brightness, scaled so that its largest channel is 1."""
    weight = (intensity(frames) - HAZE).clamp(min=0)
    rgb = (((frames.float() + 1) / 2).clamp(0, 1) * weight[:, None]).sum(dim=(2, 3, 4))
    return rgb / rgb.amax(dim=1, keepdim=True).clamp(min=1e-6)


def colour_of(
    frames: Float[Tensor, "b c F H W"], found: Track, allowed: tuple[Colour, ...] = COLOURS
) -> Int[Tensor, " b"]:
    """Index into COLOURS of the nearest allowed colour; -1 for grey clips and for clips that are mostly blank."""
    if frames.shape[1] == 1 or not allowed:
        return torch.full((len(frames),), -1, device=frames.device)
    choices = torch.tensor([COLOURS.index(name) for name in allowed], device=frames.device)
    palette = torch.from_numpy(RGB).to(frames.device)[choices]
    nearest = choices[torch.cdist(mean_colour(frames), palette).argmin(dim=1)]
    return torch.where(found.blank.float().mean(1) < 0.5, nearest, torch.full_like(nearest, -1))
