"""Clips spoiled on purpose. A measure that does not punish them measures nothing; a network can learn to tell them."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor


def shuffled(frames: Float[Tensor, "b c F H W"], generator: Generator) -> Float[Tensor, "b c F H W"]:
    """Each clip's own frames in a random order: every frame is right, the motion is gone."""
    order = torch.rand(len(frames), frames.shape[2], generator=generator).argsort(dim=1)
    return torch.stack([clip[:, index] for clip, index in zip(frames, order.to(frames.device), strict=True)])


def static(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b c F H W"]:
    """The first frame, repeated."""
    return frames[:, :, :1].expand_as(frames).clone()


def held(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b c F H W"]:
    """The first half of the clip with every frame shown twice: a stuttering motion."""
    return frames[:, :, torch.arange(frames.shape[2], device=frames.device) // 2]


def spliced(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b c F H W"]:
    """The first half of each clip, then the second half of the clip before it: what is shown changes half way."""
    half = frames.shape[2] // 2
    return torch.cat([frames[:, :, :half], frames.roll(1, dims=0)[:, :, half:]], dim=2)


def blurred(frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b c F H W"]:
    """A 3x3 mean twice: what a weak decoder does."""
    flat = frames.transpose(1, 2).flatten(0, 1)
    for _ in range(2):
        flat = F.avg_pool2d(F.pad(flat, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return flat.unflatten(0, (len(frames), frames.shape[2])).transpose(1, 2)


def shrunk(frames: Float[Tensor, "b c F H W"], side: float = 0.9) -> Float[Tensor, "b c F H W"]:
    """The whole picture smaller by the factor `side`, black around it: at 0.9 a sprite loses a fifth of its area."""
    flat = frames.transpose(1, 2).flatten(0, 1) + 1  # black = 0, which is what lies outside
    zoom = torch.tensor([[1 / side, 0, 0], [0, 1 / side, 0]]).to(flat).expand(len(flat), 2, 3)
    small = F.grid_sample(flat, F.affine_grid(zoom, list(flat.shape), align_corners=False), align_corners=False)
    return small.unflatten(0, (len(frames), frames.shape[2])).transpose(1, 2) - 1


def fading(frames: Float[Tensor, "b c F H W"], last: float = 0.3) -> Float[Tensor, "b c F H W"]:
    """Brightness falls evenly to the share `last`: a video that dies away."""
    share = torch.linspace(1, last, frames.shape[2], device=frames.device)[:, None, None]
    return (frames + 1) * share - 1


def noisy(frames: Float[Tensor, "b c F H W"], generator: Generator, scale: float = 0.2) -> Float[Tensor, "b c F H W"]:
    """Independent Gaussian noise of standard deviation `scale` on every pixel: flicker."""
    noise = torch.randn(frames.shape, generator=generator).to(frames)
    return (frames + scale * noise).clamp(-1, 1)


def pure_noise(frames: Float[Tensor, "b c F H W"], generator: Generator) -> Float[Tensor, "b c F H W"]:
    """Uniform noise of the same shape; nothing of the clips is left."""
    return (2 * torch.rand(frames.shape, generator=generator) - 1).to(frames)
