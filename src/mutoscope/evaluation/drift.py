"""Do videos fall apart towards their end? The same shares frame by frame."""

from jaxtyping import Float
from torch import Tensor

from .adherence import Findings
from .result import Drift
from .tracking import intensity

DARKEST = 1 / 255  # below this a first frame has no brightness to compare others with


def drift(frames: Float[Tensor, "b c F H W"], findings: Findings) -> Drift:
    """Means over the clips that `findings` are about, one value per frame."""
    peaks = intensity(frames).amax(dim=(2, 3)).mean(dim=0)
    return Drift(
        identity=tuple(findings.frame_correct.float().mean(0).tolist()) if findings.num_identities > 1 else None,
        blank=tuple(findings.frame_blank.float().mean(0).tolist()),
        contrast=tuple((peaks / peaks[0].clamp(min=DARKEST)).tolist()),
    )
