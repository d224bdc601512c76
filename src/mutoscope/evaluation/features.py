"""Features of videos for a distribution distance, from a small network trained here on the user's own real clips.

The network learns to tell a clip from spoiled versions of itself (frames shuffled, standing still, stuttering,
blurred, noisy) and, where the truth is known, what the clip shows. No weights are downloaded, so two numbers compare
only if they come from the same network: the fingerprint says which one it was.
"""

import hashlib
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Generator, Tensor, nn

from .controls import blurred, held, noisy, shuffled, static
from .judge import save_whole

VERSION = 1  # part of the cached file's name: raise it when the network or its training changes
FEATURE_DIM = 64
STEPS = 90
MAX_SIDE = 32  # larger clips are averaged down to this: the network is small
PRETEXTS = ("real", "shuffled", "static", "held", "blurred", "noisy")
Labels = dict[str, Int[Tensor, " n"]]


class VideoFeatures(nn.Module):
    """A 3D convolutional network of about 180,000 weights: clips in, (b, 64) features out."""

    def __init__(self, channels: int, label_sizes: dict[str, int]):
        super().__init__()
        self.channels = channels
        self.label_sizes = dict(label_sizes)
        self.body = nn.Sequential(
            nn.Conv3d(2 * channels, 16, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1), bias=False),
            nn.BatchNorm3d(16),
            nn.SiLU(),
            nn.Conv3d(16, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm3d(32),
            nn.SiLU(),
            nn.Conv3d(32, 64, 3, stride=(1, 2, 2), padding=1, bias=False),
            nn.BatchNorm3d(64),
            nn.SiLU(),
            nn.Conv3d(64, FEATURE_DIM, 3, stride=(2, 1, 1), padding=1, bias=False),
            nn.BatchNorm3d(FEATURE_DIM),
            nn.SiLU(),
        )
        self.centre: Tensor
        self.scale: Tensor
        self.register_buffer("centre", torch.zeros(FEATURE_DIM))
        self.register_buffer("scale", torch.ones(()))
        sizes = {"pretext": len(PRETEXTS)} | self.label_sizes
        self.heads = nn.ModuleDict({name: nn.Linear(FEATURE_DIM, size) for name, size in sizes.items()})

    def forward(self, frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b d"]:
        """Pooled activations of clips in [-1, 1]."""
        pixels = (_shrunk(frames.float()) + 1) / 2
        change = F.pad(pixels.diff(dim=2), (0, 0, 0, 0, 1, 0))  # without it, motion takes minutes to be learned
        # Where the thing is matters less than what it is: strongest answer in space, mean over time.
        return self.body(torch.cat([pixels, change], dim=1)).amax(dim=(3, 4)).mean(dim=2)

    @torch.no_grad()
    def features(self, frames: Float[Tensor, "b c F H W"], batch_size: int = 64) -> Float[Tensor, "b d"]:
        """`forward` in batches, shifted and scaled to mean 0 and mean variance 1 over the real training clips."""
        return (torch.cat([self(part) for part in frames.split(batch_size)]) - self.centre) / self.scale

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of the weights."""
        digest = hashlib.sha256()
        for name, weight in sorted(self.state_dict().items()):
            digest.update(name.encode() + weight.contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    def save(self, path: Path) -> None:
        """Write weights and sizes as one safetensors file."""
        sizes = {f"labels.{name}": str(size) for name, size in self.label_sizes.items()}
        save_whole(self.state_dict(), {"channels": str(self.channels)} | sizes, path)

    @classmethod
    def load(cls, path: Path) -> "VideoFeatures":
        """Read what `save` wrote."""
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        sizes = {key.removeprefix("labels."): int(n) for key, n in metadata.items() if key.startswith("labels.")}
        network = cls(int(metadata["channels"]), sizes)
        network.load_state_dict(load_file(path))
        return network.eval()


def train_features(
    frames: Float[Tensor, "n c F H W"], labels: Labels | None = None, *, seed: int = 0, steps: int = STEPS
) -> VideoFeatures:
    """Train on real clips (n, c, F, H, W); the same clips, labels, seed and steps give the same network.

    labels: known truth per clip, class indices from 0 (-1 = unknown for this clip), e.g. identity and direction.
    """
    if frames.shape[2] < 4:
        raise ValueError(f"features of motion need clips of at least 4 frames, got {frames.shape[2]}.")
    labels = {name: value for name, value in (labels or {}).items() if int(value.max()) > 0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = VideoFeatures(frames.shape[1], {name: int(value.max()) + 1 for name, value in labels.items()})
    generator = Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        index = torch.randint(len(frames), (36,), generator=generator)
        clips, pretext = _pretext_batch(frames[index], generator)
        truth = {name: torch.where(pretext == 0, value[index], -1) for name, value in labels.items()}
        pooled = network(clips)
        loss = torch.stack(
            [
                F.cross_entropy(network.heads[name](pooled), target, ignore_index=-1)
                for name, target in ({"pretext": pretext} | truth).items()
                if (target >= 0).any()
            ]
        ).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()
    real = network.features(frames)
    network.centre.copy_(real.mean(0))
    network.scale.copy_(real.var(0).mean().sqrt())
    return network


def _pretext_batch(clips: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Half of the clips stay real, the rest is spoiled in five ways; returns clips and the index of what was done."""
    n = len(clips)
    pretext = torch.cat([torch.zeros(n - n // 2, dtype=torch.long), 1 + torch.arange(n // 2) % (len(PRETEXTS) - 1)])
    real, *spoiled = (clips[pretext == index] for index in range(len(PRETEXTS)))
    parts = [
        real,
        shuffled(spoiled[0], generator),
        static(spoiled[1]),
        held(spoiled[2]),
        blurred(spoiled[3]),
        noisy(spoiled[4], generator),
    ]
    return torch.cat(parts), pretext.sort().values


def _shrunk(frames: Tensor) -> Tensor:
    longest = max(frames.shape[3:])
    if longest <= MAX_SIDE:
        return frames
    height, width = (max(4, round(side * MAX_SIDE / longest)) for side in frames.shape[3:])
    return F.adaptive_avg_pool3d(frames, (frames.shape[2], height, width))
