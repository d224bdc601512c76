"""Measuring a model of one's own clips, of which nobody knows what they show: only which caption each has."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..data.clips import FolderClips
from ..data.config import ClipsConfig, ClipShape
from ..data.open import OwnClips, open_own
from .adherence import wilson
from .asking import BATCH, Generate, video_seeds
from .clips_result import ClipsEvaluation, Continuation, FrameQuality, NearestClip
from .clock import Clock
from .continuation import compare_continuations
from .features import VideoFeatures, train_features
from .nearest import nearest
from .reconstruction import psnr, ssim
from .result import Measured

Frames = Float[Tensor, "n c F H W"]

STRETCHES = 12  # of every training clip, to be near to
MAX_BANK = 1024  # stretches in all
QUALITY_CLIPS = 24  # training clips that PSNR and SSIM look at
CONTINUED_FRAMES = 16  # a multiple of every temporal stride
CONTINUED_CLIPS = 48


@dataclass(frozen=True)
class Subject:
    """The model, as the measures see it. All frames and latents are batches."""

    generate: Generate
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]
    fit: Callable[[int], int]
    """The largest number of frames that its autoencoder takes, at most the given one."""
    go_on: Callable[[Tensor, list[str], list[int], int], Tensor] | None
    """(first frames, captions, seeds, frames in all) -> whole clips; None where it was not trained for it."""
    history: int
    """Frames that it looks at to go on."""


@dataclass(frozen=True)
class EvaluatedClips:
    """The numbers, the videos in the order of `evaluation.clips`, and continued clips beside the real ones."""

    evaluation: ClipsEvaluation
    frames: Frames
    sample: Float[Tensor, "1 c f H W"]
    """One real clip, never trained on where there is one."""
    real: Float[Tensor, "m c G H W"] | None
    continued: Float[Tensor, "m c G H W"] | None


@torch.no_grad()
def evaluate_clips(
    config: ClipsConfig,
    subject: Subject,
    *,
    num_prompts: int = 240,
    seed: int = 0,
    on_progress: Callable[[str, float], None] = lambda what, share: None,
) -> EvaluatedClips:
    """Ask for the captions of training, in turn, and measure the videos, the autoencoder and continuations.

    ValueError: no training clip has the shape that the model makes.
    """
    clock = Clock()
    on_progress("clips", 0.0)
    clips, shape = open_own(config, "train", seed), config.sizes[0]
    bank_numbers, other_numbers = _stretches(clips, shape)
    bank = _encoded(subject, clips, bank_numbers)
    captions = clips.captions(bank_numbers)
    clock.lap("clips")
    distinct = list(dict.fromkeys(caption for caption in captions if caption)) or [""]
    asked = [distinct[i % len(distinct)] for i in range(num_prompts)]
    seeds = video_seeds(num_prompts, seed)
    frames = _answers(subject, asked, seeds, on_progress)
    clock.lap("generate")
    on_progress("measure", 0.0)
    found = _nearest_clips(_encode(subject, frames), bank, captions, asked, seeds)
    followed = None
    if len(distinct) > 1:
        on_real = nearest(_encoded(subject, clips, other_numbers), bank)[1].tolist()
        wanted = clips.captions(other_numbers)
        followed = _followed(found, [captions[i] == caption for i, caption in zip(on_real, wanted, strict=True)])
    missing = [] if followed else ["whether prompts are followed: all clips have one caption"]
    if isinstance(clips, FolderClips) and clips.too_short:
        missing.append(f"{clips.too_short} training clips are too short for {config.num_frames} frames and left out")
    sample = _frames(clips, other_numbers[:QUALITY_CLIPS])
    trained = _quality(subject, sample)
    kept, why = _kept_frames(config, subject, seed)
    unseen, sample = (None, sample) if kept is None else (_quality(subject, kept), kept)
    missing += [why] if why else []
    clock.lap("measure")
    on_progress("continue", 0.0)
    real, continued, measured, why = _continuation(config, subject, clips, seed)
    missing += [why] if why else []
    clock.lap("continue")
    evaluation = ClipsEvaluation(
        num_prompts=num_prompts,
        num_captions=len(distinct),
        seed=seed,
        followed=followed,
        unseen=unseen,
        trained=trained,
        continuation=measured,
        missing=tuple(missing),
        clips=tuple(found),
        seconds=clock.laps,
    )
    return EvaluatedClips(evaluation, frames, sample[:1], real, continued)


def _stretches(clips: OwnClips, shape: ClipShape) -> tuple[list[int], list[int]]:
    """Numbers of training examples of one shape: those to be near to, and as many others as there are clips."""
    size = min(len(clips), MAX_BANK // 2)
    numbers = range(min(MAX_BANK, STRETCHES * size) + size)
    fitting = _of_shape(clips, numbers, shape)
    if len(fitting) < 2:
        raise ValueError(f"no training clip has the shape {shape} that the model makes. Is it still the same folder?")
    turn = max(1, len(fitting) - size)
    return fitting[:turn], fitting[turn:]


def _of_shape(clips: OwnClips, numbers: Sequence[int], shape: ClipShape) -> list[int]:
    return [i for i, found in zip(numbers, clips.shapes(numbers), strict=True) if found == shape]


def _frames(clips: OwnClips, numbers: Sequence[int]) -> Frames:
    return torch.cat([clips.batch(part).frames for part in _parts(numbers)])


def _encoded(subject: Subject, clips: OwnClips, numbers: Sequence[int]) -> Tensor:
    """Latents of clips, a batch in memory at a time."""
    return torch.cat([subject.encode(clips.batch(part).frames).float() for part in _parts(numbers)])


def _encode(subject: Subject, frames: Frames) -> Tensor:
    return torch.cat([subject.encode(part).float() for part in frames.split(BATCH)])


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]


def _answers(subject: Subject, asked: list[str], seeds: list[int], on_progress: Callable[[str, float], None]) -> Frames:
    parts = []
    for start in range(0, len(asked), BATCH):
        on_progress("generate", start / len(asked))
        frames = subject.generate(asked[start : start + BATCH], seeds[start : start + BATCH])
        parts.append(frames.float().nan_to_num(-1.0).clamp(-1, 1))
    on_progress("generate", 1.0)
    return torch.cat(parts)


def _nearest_clips(
    latents: Tensor, bank: Tensor, captions: list[str], asked: list[str], seeds: list[int]
) -> list[NearestClip]:
    distances, index = nearest(latents, bank)
    has = np.array(captions)
    return [
        NearestClip(
            prompt=prompt,
            seed=seed,
            nearest=captions[index[i]],
            distance=distances[i, index[i]].item(),
            own_distance=distances[i, torch.from_numpy(has == prompt)].min().item(),
        )
        for i, (prompt, seed) in enumerate(zip(asked, seeds, strict=True))
    ]


def _followed(found: list[NearestClip], on_real: list[bool]) -> Measured:
    """The floor says what chance does: each video against the prompt of the next one that asks for something else."""
    right = sum(clip.correct for clip in found)
    low, high = wilson(right, len(found))
    others = [found[i - 1].prompt for i in range(len(found))]
    chance = [clip.nearest == other for clip, other in zip(found, others, strict=True) if other != clip.prompt]
    return Measured(
        value=right / len(found),
        low=low,
        high=high,
        ceiling=sum(on_real) / len(on_real),
        floor=sum(chance) / len(chance) if chance else None,
        count=len(found),
    )


def _quality(subject: Subject, real: Frames) -> FrameQuality:
    rebuilt = _rebuilt(subject, real)
    plain = real.mean(dim=(2, 3, 4), keepdim=True).expand_as(real)
    count = len(real) * real.shape[2]
    decibel, similarity = (
        Measured(
            value=measure(rebuilt, real).mean().item(),
            ceiling=ceiling,
            floor=measure(plain, real).mean().item(),
            count=count,
        )
        for measure, ceiling in ((psnr, None), (ssim, 1.0))
    )
    return FrameQuality(psnr=decibel, ssim=similarity, frames_per_clip=real.shape[2])


def _rebuilt(subject: Subject, real: Frames) -> Frames:
    parts = [subject.decode(subject.encode(part)).float() for part in real.split(BATCH)]
    return torch.cat(parts).nan_to_num(-1.0).clamp(-1, 1)


def _kept(config: ClipsConfig, num_frames: int, seed: int) -> OwnClips:
    """Fixed windows of this length over the clips that were kept for measuring. ValueError where there are none."""
    return open_own(config.model_copy(update={"num_frames": num_frames, "workers": 0}), "test", seed)


def _kept_frames(config: ClipsConfig, subject: Subject, seed: int) -> tuple[Frames | None, str]:
    """Clips kept for measuring, in windows as long as in training or as the shortest of them allows; or why none."""
    try:
        pictures = _kept(config, 1, seed)
        shortest = pictures.shortest if isinstance(pictures, FolderClips) else config.num_frames
        fitting = subject.fit(min(config.num_frames, shortest))
        kept = _kept(config, fitting, seed)
    except ValueError as error:
        return None, f"unseen clips: {error}"
    shape = (fitting, config.height, config.width)
    return _frames(kept, _of_shape(kept, range(len(kept)), shape)), ""


def _continuation(
    config: ClipsConfig, subject: Subject, clips: OwnClips, seed: int
) -> tuple[Frames | None, Frames | None, Continuation | None, str]:
    """Real clips, the same continued, what was measured about them; or why nothing was."""
    if subject.go_on is None:
        return None, None, None, "continuing: the model was not trained with given frames (--diffusion.prefix-share)"
    total = subject.history + CONTINUED_FRAMES
    try:
        kept = _kept(config, total, seed)
    except ValueError as error:
        return None, None, None, f"continuing: {error}"
    shape = (total, config.height, config.width)
    numbers = _of_shape(kept, range(len(kept)), shape)[:CONTINUED_CLIPS]
    if len(numbers) < 2:
        return None, None, None, "continuing: fewer than 2 stretches were kept for measuring"
    real, captions = _frames(kept, numbers), kept.captions(numbers)
    seeds, parts = video_seeds(len(numbers), seed), []
    for start in range(0, len(numbers), BATCH):
        part = slice(start, start + BATCH)
        parts.append(subject.go_on(real[part, :, : subject.history], captions[part], seeds[part], total).float())
    continued = torch.cat(parts).nan_to_num(-1.0).clamp(-1, 1)
    network = _features(clips, config)
    measured = compare_continuations(continued, real, _rebuilt(subject, real), subject.history, network)
    return real, continued, measured, ""


def _features(clips: OwnClips, config: ClipsConfig) -> VideoFeatures:
    """A network that has seen training clips only."""
    numbers = _of_shape(clips, range(min(MAX_BANK, STRETCHES * len(clips))), config.sizes[0])
    with torch.enable_grad():
        return train_features(_frames(clips, numbers[:512])[:, :, :CONTINUED_FRAMES])
