"""Fréchet video distance with the I3D network that published numbers use, where its file is at hand.

Protocol: Skorokhodov et al. 2021 (StyleGAN-V, arXiv:2112.14683) after Unterthiner et al. 2018 (FVD, 1812.01717): the
TorchScript file scales and resizes by itself, and its features go into the Fréchet distance. Two numbers compare only
with the same file, number of clips and number of frames.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .distance import frechet_distance
from .result import FVD

MIN_FRAMES = 10  # I3D halves time three times and then pools over two
BATCH = 8  # clips of 224 x 224 at a time


@dataclass(frozen=True)
class Detector:
    """A TorchScript network called as (clips, rescale, resize, return_features), and the hash of its file."""

    network: nn.Module
    path: Path
    fingerprint: str
    """Twelve hexadecimal digits of the SHA-256 of the file."""

    @torch.no_grad()
    def features(self, frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b d"]:
        """One vector per clip; ValueError where the network is another one than I3D."""
        return torch.cat([self._features(part) for part in frames.split(BATCH)])

    def _features(self, frames: Tensor) -> Tensor:
        levels = ((frames + 1) * 127.5).round().clamp(0, 255).expand(-1, 3, -1, -1, -1)
        try:
            found = self.network(levels, rescale=True, resize=True, return_features=True)
        except RuntimeError as error:
            last = " ".join(str(error).split())[-120:]
            raise ValueError(f"{self.path} cannot be called as I3D on {tuple(levels.shape)}: {last}") from error
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(frames):
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(
                f"{self.path} returned {got}, I3D gives ({len(frames)}, features) for {len(frames)} clips."
            )
        return found.float()


def load_detector(path: Path) -> Detector:
    """Read the TorchScript file; nothing is downloaded. ValueError: no file, or no TorchScript."""
    if not path.is_file():
        raise ValueError(f"--i3d {path} is not a file; give the TorchScript file of I3D, or leave it out.")
    try:
        network = torch.jit.load(path, map_location="cpu")
    except RuntimeError as error:
        raise ValueError(f"--i3d {path} is not TorchScript; give the file that StyleGAN-V's FVD uses.") from error
    with path.open("rb") as file:
        return Detector(network.eval(), path, hashlib.file_digest(file, "sha256").hexdigest()[:12])


def check_length(num_frames: int) -> None:
    """ValueError: clips too short for I3D."""
    if num_frames < MIN_FRAMES:
        raise ValueError(
            f"clips of {num_frames} frames are too short for FVD: I3D needs {MIN_FRAMES} or more. Leave --i3d out."
        )


def fvd(
    detector: Detector,
    generated: Float[Tensor, "b c F H W"],
    real: Float[Tensor, "b c F H W"],
    other: Float[Tensor, "b c F H W"],
) -> FVD:
    """Distance of generated clips from real ones, beside that of other real ones: small sets are never at 0."""
    check_length(real.shape[2])
    reference = detector.features(real)
    return FVD(
        protocol=f"fvd-i3d-{len(real)}_{real.shape[2]}f",
        detector=detector.fingerprint,
        generated=frechet_distance(detector.features(generated), reference),
        real=frechet_distance(detector.features(other), reference),
    )
