"""Causal temporal down-sampling.

A causal video VAE keeps the first frame for itself and merges every `stride` frames after it: 1 + stride k frames
become 1 + k. Then a picture is a video of one frame, and no latent frame knows anything of frames after its own group.

Here frames are merged by their mean. x (b, c, F, h, w) with F = 1 + stride k gives (b, c, 1 + k, h, w). With stride 2
the frames 5, 1, 3, 2, 6 become 5, 2, 4.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ...vae.blocks import TimePool
from ...vae.memory import Memory
from ..exercise import Case, Suspect, draws

CHAPTER = 3
STARTER = '''
import torch


def downsample_time(x, stride):
    """x: (b, c, 1 + stride k, h, w). Returns (b, c, 1 + k, h, w)."""
    ...
'''
OUTPUTS = ("b c f h w",)


def answer(x: Tensor, stride: int) -> Tensor:
    """By the shortcut of the package's pooling, once per factor of two; the first frame is repeated in front."""
    x = torch.cat([x[:, :, :1].expand(-1, -1, stride - 1, -1, -1), x], 2).transpose(1, 2)
    pool = TimePool(x.shape[2], shortcut=True).to(x.dtype).requires_grad_(False)
    for parameter in pool.parameters():
        parameter.zero_()  # what is left is the shortcut, a mean of two frames
    while stride > 1:
        x, stride = pool(x, Memory()), stride // 2
    return x.transpose(1, 2)


def cases() -> Iterator[Case]:
    """Strides 2 and 4, and a single picture."""
    for seed, (frames, stride) in enumerate([(5, 2), (9, 4), (1, 2), (9, 2)]):
        yield Case(f"{frames} frames, stride {stride}", (draws(seed)(2, 3, frames, 2, 2), stride))


def also(solution: Callable[[Tensor, int], Tensor]) -> str | None:
    """Causality itself."""
    x = draws(9)(1, 1, 9, 1, 1)
    changed = x.clone()
    changed[:, :, 5:] += 1
    if not torch.equal(solution(x, 4)[:, :, :2], solution(changed, 4)[:, :, :2]):
        return "It is not causal: a change of frames 5 to 8 changed latent frames 0 and 1, which end with frame 4."
    return None


def _means(x: Tensor, stride: int) -> Tensor:
    return x.unflatten(2, (-1, stride)).mean(3)


def _front(x: Tensor, count: int) -> Tensor:
    return x[:, :, :1].expand(-1, -1, count, -1, -1)


PART = (2, "latent frame")


def terms(x: Tensor, stride: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The frames that each latent frame mixes."""
    frames = {f"frame {k}": x[:, :, k : k + 1] for k in range(x.shape[2])}
    return frames, {"stride": torch.tensor(float(stride))}


SUSPECTS = (
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], x[:, :, 1:].unfold(2, s, 1).mean(-1)], 2) if x.shape[2] > 1 else x,
        "Groups overlap: after each group step on by stride frames, not by one.",
    ),
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], (x[:, :, 1::2] + x[:, :, 2::2]) / 2], 2),
        "The stride is always 2: use the argument.",
    ),
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], _means(x[:, :, :-1], s)], 2),
        "Groups begin one frame early, with frame 0: after the first frame they are 1 to stride, then stride + 1 to "
        "2 stride.",
    ),
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], x.unfold(2, s + 1, s).mean(-1)], 2) if x.shape[2] > 1 else x,
        "Each group holds stride + 1 frames, the last of the group before among them: take stride frames.",
    ),
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], x[:, :, 1::s]], 2),
        "You kept the first frame of each group and dropped the others: their motion is gone. Average each group.",
    ),
    Suspect(
        lambda x, s: torch.nn.functional.avg_pool3d(x, (s, 1, 1)),
        "Groups begin with frame 0, and the last frames are dropped: keep the first frame alone, then group the rest.",
    ),
    Suspect(
        lambda x, s: x[:, :, ::s],
        "You kept every stride-th frame and dropped the others: their motion is gone. Average each group.",
    ),
    Suspect(
        lambda x, s: _means(torch.cat([x, x[:, :, -1:].expand(-1, -1, s - 1, -1, -1)], 2), s),
        "Groups begin with their own frame, so each latent frame looks into the future, and the last frame stays "
        "alone. "
        "Keep the first frame alone instead, or repeat it in front.",
    ),
    Suspect(
        lambda x, s: _means(torch.cat([torch.zeros_like(_front(x, s - 1)), x], 2), s),
        "The padding in front is zeros: they darken the first latent frame. Repeat the first frame, or leave it alone.",
    ),
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], x[:, :, 1:].unflatten(2, (-1, s)).amax(3)], 2),
        "You took the largest value of each group: the mean is asked for.",
    ),
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], x[:, :, 1:].unflatten(2, (-1, s)).sum(3)], 2),
        "You added the frames of a group: divide by their number.",
    ),
    Suspect(
        lambda x, s: torch.cat([x[:, :, :1], x[:, :, 1:].unflatten(2, (s, -1)).mean(2)], 2),
        "You averaged frames that are stride apart: unflatten into (k, stride), not (stride, k), so that "
        "neighbours meet.",
    ),
    Suspect(
        lambda x, s: x[:, :, 1:].unflatten(2, (-1, s)).mean(3),
        "The first frame is missing: 1 + stride k frames become 1 + k, and the 1 is the first frame itself.",
    ),
)
