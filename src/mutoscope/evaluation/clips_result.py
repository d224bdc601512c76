"""What an evaluation of a model of one's own clips says, as data: each number with its ceiling and its floor."""

from typing import Literal

from .result import Measured, Record


class FrameQuality(Record):
    """The autoencoder on some clips, per frame; floor: each clip's average colour."""

    psnr: Measured
    """dB, data range 2."""
    ssim: Measured
    frames_per_clip: int


class Continuation(Record):
    """Clips that training never saw, continued from their first frames. Floor: the last given frame, repeated."""

    given: int
    """Frames the model saw."""
    frames: int
    """Frames it made."""
    clips: int
    psnr: Measured
    """dB of the mean squared error over all of these frames. Ceiling: the real frames through the autoencoder."""
    frame_psnr: Measured
    """Mean of the dB of each frame: still frames, where repeating is right, weigh more."""
    frechet: Measured
    """Fréchet distance from the real frames in features of a small video network; a smaller one is better."""


class NearestClip(Record):
    """One video, and the training clip whose latents are nearest to its own."""

    prompt: str
    seed: int
    nearest: str
    """Caption of that clip."""
    distance: float
    """RMS difference of the latents, which have unit variance."""
    own_distance: float
    """The same to the nearest clip of the asked caption."""

    @property
    def correct(self) -> bool:
        """Whether the nearest clip has the asked caption."""
        return self.nearest == self.prompt


class ClipsEvaluation(Record):
    """Everything `evaluate_clips` measured."""

    protocol: Literal["mutoscope-clips-1"] = "mutoscope-clips-1"
    num_prompts: int
    num_captions: int
    seed: int
    followed: Measured | None
    """Share of videos whose nearest training clip has the asked caption. Ceiling: other stretches of training clips;
    floor: the videos of other prompts. None where all clips have one caption."""
    unseen: FrameQuality | None
    """On the clips kept for measuring; None where there are none."""
    trained: FrameQuality
    """On training clips."""
    continuation: Continuation | None
    """None where the model was not trained with given frames, or no clip that was kept is long enough."""
    missing: tuple[str, ...]
    """Why something is None, in words."""
    clips: tuple[NearestClip, ...]
    seconds: dict[str, float]
    """Wall-clock of each part."""
