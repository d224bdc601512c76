"""What an evaluation says, as data: each number with its interval, its ceiling and its floor."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(_Record):
    """One number. ceiling and floor come from the same judge: on real clips, and on clips spoiled on purpose."""

    value: float
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval, where one is known in closed form (Wilson's, for shares)."""
    ceiling: float | None = None
    floor: float | None = None
    count: int = 0
    """Clips, or frames, that the number is an average of."""


class Adherence(_Record):
    """Does the video show what the prompt asked for? Shares of clips, 0 to 1, unless said otherwise."""

    identity: Measured
    colour: Measured | None
    direction: Measured
    all_correct: Measured
    frame_identity: Measured
    """Share of frames whose own label is the asked one."""
    persistence: Measured
    """Share of clips in which one label holds in at least 90 % of the frames."""
    blank: Measured
    """Share of frames that show nothing."""
    speed_error: Measured | None
    """Mean |measured - asked| speed in px/frame, over the prompts that name a speed."""


class Reconstruction(_Record):
    """The autoencoder on unseen clips; its floor is an empty background clip."""

    psnr: Measured
    """dB per frame, data range 2."""
    ssim: Measured
    adherence: Adherence
    """The judge on reconstructed real clips: what a perfect generator behind this decoder would score."""


class Distance(_Record):
    """Distance of generated clips from real ones in features of the network named by its fingerprint."""

    generated: float
    real: float
    """Floor: two disjoint sets of real clips of the same size."""
    reconstructed: float | None
    shuffled: float
    """Control: real clips with their frames shuffled."""
    static: float
    """Control: the first frame of real clips, repeated."""
    void: bool
    """True if a control is not clearly further away than real clips are: then the distance says nothing."""
    void_because: str


class Judge(_Record):
    """Who judged identity, and how well it does on real drawings that it never saw."""

    accuracy: float
    drawings: int
    fingerprint: str


class ClipVerdict(_Record):
    """What was asked of one video, and which of it was found."""

    prompt: str
    seed: int
    held_out: bool
    identity: bool
    colour: bool
    direction: bool
    seen_identity: str
    seen_colour: str
    seen_direction: str

    @property
    def correct(self) -> bool:
        """Everything that was asked."""
        return self.identity and self.colour and self.direction


class Evaluation(_Record):
    """Everything `evaluate` measured. `model_dump_json` writes it, `model_validate_json` reads it back."""

    protocol: Literal["mutoscope-sprites-1"] = "mutoscope-sprites-1"
    num_prompts: int
    seed: int
    judge: Judge
    adherence: dict[str, Adherence]
    """Keys: all, seen, held_out (combinations in and never in the training set); empty groups are left out."""
    controls: dict[str, Adherence]
    """Real clips, spoiled: shuffled_prompts, shuffled_frames, static, spliced, noise. Each has to fail somewhere."""
    reconstruction: Reconstruction | None
    distance: dict[str, Distance]
    """Keys: frechet, kernel (polynomial MMD)."""
    features: str
    """Fingerprint of the feature network."""
    clips: tuple[ClipVerdict, ...]
    seconds: dict[str, float]
    """Wall-clock of each part."""
