"""Does a model know how a clip goes on? Beside it the same clip standing still: hard to beat where little moves."""

import math

from jaxtyping import Float
from torch import Tensor

from .clips_result import Continuation
from .distance import frechet_distance
from .features import VideoFeatures
from .reconstruction import DATA_RANGE, psnr
from .result import Measured

Frames = Float[Tensor, "n c F H W"]


def compare_continuations(
    continued: Frames, real: Frames, rebuilt: Frames, given: int, network: VideoFeatures
) -> Continuation:
    """Whole clips of n scenes, of which the first `given` frames were given.

    rebuilt: the real clips through the autoencoder, the best that can come out of this decoder.
    """
    future = real[:, :, given:]
    repeated = real[:, :, given - 1 : given].expand_as(future)
    candidates = [continued[:, :, given:], rebuilt[:, :, given:], repeated]
    pooled = [pooled_psnr(frames, future) for frames in candidates]
    each = [psnr(frames, future).mean().item() for frames in candidates]
    reference = network.features(future)
    apart = [frechet_distance(network.features(frames), reference) for frames in candidates]
    count = len(real) * future.shape[2]
    return Continuation(
        given=given,
        frames=future.shape[2],
        clips=len(real),
        psnr=Measured(value=pooled[0], ceiling=pooled[1], floor=pooled[2], count=count),
        frame_psnr=Measured(value=each[0], ceiling=each[1], floor=each[2], count=count),
        frechet=Measured(value=apart[0], ceiling=apart[1], floor=apart[2], count=len(real)),
    )


def pooled_psnr(frames: Frames, reference: Frames) -> float:
    """DB of the mean squared error over all frames, for data in [-1, 1]; infinite for equal ones."""
    error = (frames.clamp(-1, 1) - reference).double().square().mean().item()
    return 10 * math.log10(DATA_RANGE**2 / error) if error else math.inf
