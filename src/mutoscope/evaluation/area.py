"""Is the sprite as large as it has to be, in every frame? Only where an identity has exactly one drawing.

The area counts a pixel from nothing at the tracker's haze to one at as much below full brightness. That ramp is
symmetric about one half, so a soft edge counts as much as a hard one, and a sprite that is merely dim keeps its inside.
"""

from jaxtyping import Float
from torch import Tensor

from ..data.config import SpriteConfig
from ..data.sprites import SpriteClips
from .tracking import HAZE, intensity

TOLERANCE = 0.15  # relative error of a frame up to which its area is right
TRUTH_CLIPS = 16  # rendered for the truth; where a sprite falls between pixels moves one frame's area by 1.5 %


def area(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b F"]:
    """Bright pixels of each frame, edges by their share."""
    return ((intensity(frames) - HAZE) / (1 - 2 * HAZE)).clamp(0, 1).sum(dim=(2, 3))


def true_area(config: SpriteConfig) -> float | None:
    """Mean area of the sprite in real clips, pixels; None where identities have many drawings of many sizes."""
    if config.sprites != "disc":
        return None
    return area(SpriteClips(config, "test", 0).batch(range(TRUTH_CLIPS)).frames).mean().item()


def area_errors(frames: Float[Tensor, "b c F H W"], config: SpriteConfig) -> Float[Tensor, "b F"] | None:
    """|area / truth - 1| of each frame: 1 for a blank one; None where there is no one truth."""
    truth = true_area(config)
    return None if truth is None else (area(frames) / truth - 1).abs()
