"""What a browser may ask for, as typed data: the forms are drawn from these, and every answer is checked by them."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..config import Config
from ..samplers.config import GuidanceName, SamplerName

Prompt = Annotated[str, Field(min_length=1, max_length=500)]
MOST_VIDEOS = 64


class TrainRequest(Config):
    """Start a run."""

    recipe: str
    """Where the settings come from."""
    name: str
    """What the run is called: its folder in runs/."""
    values: dict[str, Any] = {}
    """Settings that differ from the recipe's, in sections as in config.json."""


class VideoRequest(Config):
    """Make videos: every prompt with every seed, at every strength of guidance and number of steps."""

    model: str = ""
    """Run whose model to use; empty = the small one inside the package."""
    prompts: Annotated[tuple[Prompt, ...], Field(min_length=1, max_length=MOST_VIDEOS)]
    """What to show, one video each."""
    negative: Annotated[str, Field(max_length=500)] = ""
    """What guidance moves away from; empty = from no prompt at all."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**53)], ...], Field(min_length=1, max_length=MOST_VIDEOS)] = (
        0,
    )
    """The same seed gives the same video."""
    frames: Annotated[int, Field(ge=1, le=1025)] | None = None
    """Frames per video; none = as in training."""
    sampler: SamplerName | None = None
    """How noise is carried to data; none = the model's own."""
    steps: Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(max_length=16)] = ()
    """Steps of the sampler, one or several to compare; none = the model's own."""
    guidance: Annotated[tuple[Annotated[float, Field(ge=0, le=100)], ...], Field(max_length=16)] = ()
    """Strength of guidance, one or several to compare, 1 = off; none = the model's own."""
    guidance_method: GuidanceName | None = None
    """How estimates with and without caption are combined; none = the model's own."""
    start: str = ""
    """A picture or clip that was uploaded, to begin with."""
    start_is: Literal["first_frame", "clip"] = "first_frame"
    """Whether the video begins with the picture, or goes on from the clip."""

    @model_validator(mode="after")
    def _few_enough(self) -> "VideoRequest":
        if any(not prompt.strip() for prompt in self.prompts):
            raise ValueError("a prompt is empty. Say what to show.")
        if self.num_videos > MOST_VIDEOS:
            raise ValueError(f"that makes {self.num_videos} videos; {MOST_VIDEOS} at a time are possible.")
        return self

    @property
    def num_videos(self) -> int:
        """In all."""
        return len(self.prompts) * len(self.seeds) * max(1, len(self.steps)) * max(1, len(self.guidance))


SHOWN = "figure.json"
"""What a page needs to know of a figure, beside its pictures."""


class FigureRequest(Config):
    """Compute an interactive figure of the course."""

    figure: Annotated[str, Field(max_length=100)]
    """Which."""
    prompt: Prompt = "a red 7 moving left"
    """What its videos show; a figure about a clip does not read it."""
    number: Annotated[int, Field(ge=0, lt=10_000)] = 0
    """The clip it is about, or the seed of its videos."""


class Cell(Config):
    """One video of a request, and the settings that made it."""

    prompt: str
    seed: int
    steps: int
    guidance: float
    sampler: str
    negative: str
    num_frames: int
    fps: float
    seconds: float
    """It took, its share of the batch."""
