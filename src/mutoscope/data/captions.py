"""What is said about a clip: ten phrasings of the same fact, the first one the plainest.

Left out on purpose, so that text understanding can be tested on words never trained on: scarlet, heading, and the
points of the compass.
"""

from dataclasses import dataclass
from typing import Literal

from .config import COLOURS, DIRECTIONS, Colour, Direction, SpriteConfig
from .drawings import sprite_names

SpeedWord = Literal["slowly", "quickly"]

DIGIT_WORDS = dict(zip("0123456789", "zero one two three four five six seven eight nine".split(), strict=True))
SYNONYMS: dict[Colour, str] = {
    "red": "crimson",
    "yellow": "golden",
    "green": "emerald",
    "cyan": "turquoise",
    "blue": "azure",
    "magenta": "fuchsia",
    "white": "ivory",
}
TO_THE: dict[Direction, str] = {
    "right": "to the right",
    "up and right": "up and to the right",
    "up": "to the top",
    "up and left": "up and to the left",
    "left": "to the left",
    "down and left": "down and to the left",
    "down": "to the bottom",
    "down and right": "down and to the right",
}
WARDS: dict[Direction, str] = {
    "right": "rightwards",
    "up and right": "upwards and rightwards",
    "up": "upwards",
    "up and left": "upwards and leftwards",
    "left": "leftwards",
    "down and left": "downwards and leftwards",
    "down": "downwards",
    "down and right": "downwards and rightwards",
}
PLAIN: dict[Direction, str] = {direction: direction for direction in DIRECTIONS}
SPOKEN_WITH_AN = {"8", "eight", "emerald", "azure", "ivory"}


@dataclass(frozen=True)
class Phrasing:
    """One way to say it; `weight` is its share of the clips, `speed` where the adverb stands ("" = not said)."""

    weight: float
    verb: str
    directions: dict[Direction, str]
    speed: Literal["", "before", "after"] = ""
    synonym: bool = False
    spelled: bool = False
    bouncing: str = "bouncing"


PHRASINGS: tuple[Phrasing, ...] = (
    Phrasing(0.50, "moving", PLAIN),
    Phrasing(0.10, "moving", PLAIN, "after"),
    Phrasing(0.05, "moving", TO_THE, synonym=True, spelled=True, bouncing="bouncing around"),
    Phrasing(0.05, "going", WARDS, bouncing="bouncing off the edges"),
    Phrasing(0.05, "drifting", PLAIN, "before", spelled=True),
    Phrasing(0.05, "sliding", TO_THE, "after", bouncing="bouncing off the edges"),
    Phrasing(0.05, "drifting", TO_THE, "after", synonym=True, bouncing="bouncing around"),
    Phrasing(0.05, "sliding", WARDS, "before", spelled=True, bouncing="bouncing around"),
    Phrasing(0.05, "going", TO_THE, "after", synonym=True, spelled=True),
    Phrasing(0.05, "moving", WARDS, "after", spelled=True, bouncing="bouncing off the edges"),
)
NUM_PHRASINGS = len(PHRASINGS)


def caption(
    config: SpriteConfig,
    name: str,
    colour: Colour | None,
    direction: Direction | None,
    speed: SpeedWord | None = None,
    phrasing: int = 0,
) -> str:
    """A sentence that is true for a whole clip; phrasing 0 is the plainest: "a red 7 moving up and left".

    colour: None = grey, not mentioned. direction: None = bouncing. speed: said in the phrasings that have a place for
    it (never in 0), None = not said. ValueError: a name or phrasing that does not exist.
    """
    if name not in sprite_names(config):
        raise ValueError(
            f"name={name!r} is not drawn by sprites={config.sprites!r}: {', '.join(sprite_names(config))}."
        )
    if colour is not None and colour not in COLOURS:
        raise ValueError(f"colour={colour!r} is not known; give one of {', '.join(COLOURS)}, or None for grey.")
    if direction is not None and direction not in DIRECTIONS:
        raise ValueError(f"direction={direction!r} is not known; give one of {', '.join(DIRECTIONS)}, or None.")
    if not 0 <= phrasing < NUM_PHRASINGS:
        raise ValueError(f"phrasing={phrasing} does not exist; give 0 to {NUM_PHRASINGS - 1}.")
    style = PHRASINGS[phrasing]
    thing = DIGIT_WORDS.get(name, name) if style.spelled else name
    shade = "" if colour is None else (SYNONYMS[colour] if style.synonym else colour)
    words = [shade, thing]
    if direction is None:
        words.append(style.bouncing)
    else:
        moving = [style.verb, style.directions[direction]]
        place = {"before": 0, "after": 2}.get(style.speed)
        if speed is not None and place is not None:
            moving.insert(place, speed)
        words += moving
    words = [word for word in words if word]
    return " ".join(["an" if words[0] in SPOKEN_WITH_AN else "a", *words])


def vocabulary(config: SpriteConfig) -> set[str]:
    """Every word any caption of this configuration can contain."""
    speeds: tuple[SpeedWord, ...] = ("slowly", "quickly")
    sentences = [
        caption(config, name, colour, direction, speed, phrasing)
        for name in sprite_names(config)
        for colour in config.colours or (None,)
        for direction in (*config.directions, None)
        for speed in speeds
        for phrasing in range(NUM_PHRASINGS)
    ]
    return {word for sentence in sentences for word in sentence.split()}
