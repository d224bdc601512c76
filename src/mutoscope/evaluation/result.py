"""What an evaluation says, as data: each number with its interval, its ceiling and its floor."""

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, model_validator

Protocol = Literal["mutoscope-sprites-2"]
"""Raised when the record or a measure changes: numbers compare within one protocol."""


class Record(BaseModel):
    """Written once, read by others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(Record):
    """One number. ceiling and floor come from the same judge: on real clips, and on clips spoiled on purpose."""

    value: float
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval, where one is known in closed form (Wilson's, for shares)."""
    ceiling: float | None = None
    floor: float | None = None
    count: int = 0
    """Clips, or frames, that the number is an average of."""


class Adherence(Record):
    """Does the video show what the prompt asked for? Shares of clips, 0 to 1, unless said otherwise."""

    identity: Measured | None
    """None, as the other two measures of labels, where there is only one identity."""
    colour: Measured | None
    direction: Measured
    all_correct: Measured
    frame_identity: Measured | None
    """Share of frames whose own label is the asked one."""
    persistence: Measured | None
    """Share of clips in which one label holds in at least 90 % of the frames."""
    blank: Measured
    """Share of frames that show nothing."""
    speed_error: Measured | None
    """Mean |measured - asked| speed in px/frame, over the prompts that name a speed."""
    area: Measured | None = None
    """Share of clips whose sprite is within 15 % of its true area in every frame; None where sizes differ."""
    area_error: Measured | None = None
    """Mean |area / true area - 1| over all frames."""


class Reconstruction(Record):
    """The autoencoder on unseen clips; its floor is an empty background clip."""

    psnr: Measured
    """dB per frame, data range 2."""
    ssim: Measured
    adherence: Adherence
    """The judge on reconstructed real clips: what a perfect generator behind this decoder would score."""


class Distance(Record):
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


class FVD(Record):
    """Fréchet distance in features of I3D, and what makes it comparable: the protocol and the file's hash."""

    protocol: str
    detector: str
    generated: float
    real: float
    """Floor: two disjoint sets of real clips of the same size."""


class Drift(Record):
    """What holds in each frame, as means over clips, one value per frame."""

    identity: tuple[float, ...] | None
    """Share of clips with the asked identity in this frame; None where there is only one."""
    blank: tuple[float, ...]
    """Share of clips that show nothing in this frame."""
    contrast: tuple[float, ...]
    """Mean brightness of the brightest pixel, relative to the first frame's."""


class NearestPair(Record):
    """A video and the training clip that is nearest to it: both by index."""

    video: int
    training_clip: int
    distance: float


class Memorisation(Record):
    """Distances to the nearest training clip: pixel RMS, frames in [-1, 1]."""

    copied: Measured
    """Share of videos nearer than `limit`. Ceiling: real unseen clips. Floor: training clips through the autoencoder,
    which have to be found."""
    distance: Measured
    """Median; ceiling and floor from the same clips."""
    limit: float
    """The nearest 1 % of another set of real unseen clips are nearer than this."""
    training_clips: int
    training_seed: int
    nearest: tuple[NearestPair, ...]
    """The nearest pairs, nearest first."""

    @property
    def blind(self) -> bool:
        """Whether most copies would not be seen, because the autoencoder changes clips more than they differ."""
        return self.copied.floor is not None and self.copied.floor < 0.5


class SeedSpread(Record):
    """A share over several seeds: mean, sample standard deviation, and the value of each."""

    mean: float
    deviation: float
    values: tuple[float, ...]


class Judge(Record):
    """Who judged identity, and how well it does on real drawings that it never saw."""

    accuracy: float
    drawings: int
    fingerprint: str


class ClipVerdict(Record):
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


class Evaluation(Record):
    """Everything `evaluate` measured. `model_dump_json` writes it, `model_validate_json` reads it back."""

    protocol: Protocol = "mutoscope-sprites-2"
    num_prompts: int
    seed: int
    judge: Judge
    adherence: dict[str, Adherence]
    """Keys: all, seen, held_out (combinations in and never in the training set); empty groups are left out."""
    over_seeds: dict[str, SeedSpread] | None
    """Keys: all_correct, identity, colour, direction. None where one seed was asked for."""
    controls: dict[str, Adherence]
    """Real clips, spoiled: shuffled_prompts, shuffled_frames, static, spliced, noise. Each has to fail somewhere."""
    flicker: Measured | None
    """Mean change of background pixels from frame to frame, grey levels of 255; None where sprites fill the frame.
    Floor: real clips with noise."""
    drift: dict[str, Drift]
    """Keys: generated, real, fading (control: real clips that grow dark)."""
    memorisation: Memorisation | None
    """None where the training clips are not known."""
    reconstruction: Reconstruction | None
    distance: dict[str, Distance]
    """Keys: frechet, kernel (polynomial MMD)."""
    features: str
    """Fingerprint of the feature network."""
    fvd: FVD | None
    """None where no I3D file was given."""
    clips: tuple[ClipVerdict, ...]
    seconds: dict[str, float]
    """Wall-clock of each part."""

    @model_validator(mode="before")
    @classmethod
    def _one_protocol(cls, values: Any) -> Any:
        found = values.get("protocol") if isinstance(values, dict) else None
        if found is not None and found not in get_args(Protocol):
            raise ValueError(
                f"the evaluation was written under protocol {found}, this version writes {get_args(Protocol)[0]}; "
                "measure again: mutoscope evaluate RUN"
            )
        return values
