"""What an evaluation of videos with two sprites says, as data."""

from typing import Literal

from .result import Adherence, Judge, Measured, Record

PairsProtocol = Literal["mutoscope-pairs-1"]


class PairVerdict(Record):
    """What was asked of one video, and whether each sprite, and both, are as asked."""

    prompt: str
    seed: int
    correct: bool
    first: bool
    second: bool


class PairsEvaluation(Record):
    """Everything that was measured. Ceiling: real clips that show what is asked; floor: those, with other prompts."""

    protocol: PairsProtocol = "mutoscope-pairs-1"
    num_prompts: int
    seed: int
    judge: Judge
    both: Measured
    """Share of videos in which both digits and both directions are as asked."""
    digits: Measured
    """Share in which both digits are."""
    directions: Measured
    """Share in which both directions are."""
    first: Adherence
    """Of the sprite that the prompt names first."""
    second: Adherence
    psnr: Measured | None
    """Of the VAE on real clips, dB; None without one."""
    clips: tuple[PairVerdict, ...]
