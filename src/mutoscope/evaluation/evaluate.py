"""The whole measurement on one page: ask, judge, and put a ceiling and a floor beside every number."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from ..data.config import SpriteConfig
from ..data.sprites import SpriteClips
from . import controls
from .adherence import Findings, examine, summarise, verdicts
from .area import area_errors
from .asking import BATCH, Generate, ask, video_seeds
from .clock import Clock
from .distance import frechet_distance, polynomial_mmd
from .drift import drift
from .features import VERSION, VideoFeatures, train_features
from .flicker import flicker
from .fvd import Detector, check_length, fvd
from .judge import Judge, config_key, load_or_train_judge
from .memorisation import CONTROL_CLIPS, TrainedOn, memorisation, num_looked_at
from .prompts import Asked, prompts, real_clips
from .reconstruction import background, psnr, ssim
from .result import Adherence, Distance, Drift, Evaluation, Measured, Memorisation, Reconstruction
from .result import Judge as JudgeRecord
from .seeds import over_seeds

Frames = Float[Tensor, "b c F H W"]
Reconstruct = Callable[[Tensor], Tensor]

FEATURE_CLIPS = 512  # real clips that the feature network trains on
PIXEL_CLIPS = 48  # clips that PSNR and SSIM look at: SSIM is the slowest part of all
PUNISHED = 5.0  # standard deviations above real-against-real from which a control counts as punished
RESPLITS = 16  # random halves of the real clips that mean and deviation come from


@dataclass(frozen=True)
class Evaluated:
    """The numbers, and the frames (n, c, F, H, W) they are about, in the order of `evaluation.clips`."""

    evaluation: Evaluation
    frames: Tensor


def evaluate(
    config: SpriteConfig,
    generate: Generate,
    reconstruct: Reconstruct | None = None,
    *,
    num_prompts: int = 240,
    seed: int = 0,
    num_seeds: int = 1,
    trained_on: TrainedOn | None = None,
    detector: Detector | None = None,
    cache: Path | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> Evaluated:
    """Ask for `num_prompts` videos and measure them.

    reconstruct: frames -> frames through the autoencoder, or None to leave it out. num_seeds: the same questions are
    answered with so many seeds, from `seed` on; all but the spread over seeds is about the first. trained_on: which
    clips to compare with, or None to leave memorisation out. detector: I3D for FVD, or None. cache: folder in which the
    judge and the feature network are kept. on_progress: called with a word and the share done, 0 to 1.
    ValueError: clips too short to have a motion or for FVD, or `generate` returned another shape.
    """
    if config.num_frames < 4:
        raise ValueError(f"num_frames={config.num_frames} has no motion to measure; evaluation needs 4 or more.")
    if detector is not None:
        check_length(config.num_frames)
    say, clock = on_progress or (lambda what, share: None), Clock()
    say("judge", 0.0)
    judge = load_or_train_judge(config, cache)
    clock.lap("judge")
    say("features", 0.0)
    network = load_or_train_features(config, cache)
    clock.lap("features")
    asked = prompts(config, num_prompts, seed)
    real, other = (real_clips(config, asked, seed=1 + 2 * seed + k) for k in range(2))
    clock.lap("real clips")
    frames, repeats = _answers(generate, asked, config, judge, seed, num_seeds, say)
    clock.lap("generate")
    rebuilt = _in_batches(reconstruct, real)
    clock.lap("reconstruct")
    say("measure", 0.0)
    findings, on_real = repeats[0], examine(real, asked, config, judge)
    spoiled, floor = _control_findings(real, asked, config, judge, seed)
    evaluation = Evaluation(
        num_prompts=num_prompts,
        seed=seed,
        judge=JudgeRecord(accuracy=judge.accuracy, drawings=judge.num_drawings, fingerprint=judge.fingerprint),
        adherence=_groups(findings, asked, config, on_real, floor),
        over_seeds=over_seeds([summarise(found, has_colour=bool(config.colours)) for found in repeats]),
        controls={name: summarise(found, has_colour=bool(config.colours)) for name, found in spoiled.items()},
        flicker=_flicker(frames, real, config, seed),
        drift=_drift(frames, findings, real, on_real, asked, config, judge),
        memorisation=_memorisation(frames, real, other, reconstruct, config, trained_on),
        reconstruction=_reconstruction(rebuilt, real, asked, config, judge, on_real, floor),
        distance=_distances(network, frames, real, other, rebuilt, seed),
        features=network.fingerprint,
        fvd=None if detector is None else fvd(detector, frames, real, other),
        clips=verdicts(findings, asked, video_seeds(num_prompts, seed), judge.names),
        seconds=clock.laps,
    )
    clock.lap("measure")
    say("measure", 1.0)
    return Evaluated(evaluation, frames)


def load_or_train_features(config: SpriteConfig, cache: Path | None, *, seed: int = 0) -> VideoFeatures:
    """The feature network kept in the folder `cache` for this data configuration, or a new one, then kept there."""
    path = None if cache is None else cache / f"features-{VERSION}-{config_key(config)}-{seed}.safetensors"
    if path is not None and path.exists():
        return VideoFeatures.load(path)
    batch = SpriteClips(config, "train", seed + 1).batch(range(FEATURE_CLIPS))
    truth = {"identity": batch.truth.identity, "colour": batch.truth.colour, "direction": batch.truth.direction}
    network = train_features(batch.frames, {k: torch.from_numpy(v) for k, v in truth.items()}, seed=seed)
    if path is not None:
        network.save(path)
    return network


def _answers(
    generate: Generate,
    asked: list[Asked],
    config: SpriteConfig,
    judge: Judge,
    seed: int,
    num_seeds: int,
    say: Callable[[str, float], None],
) -> tuple[Frames, list[Findings]]:
    """The clips of the first seed, and what the judge finds in those of every seed."""
    first, found = None, []
    for k in range(num_seeds):
        seeds = video_seeds(len(asked), seed + k)
        frames = ask(generate, asked, seeds, config, lambda share, k=k: say("generate", (k + share) / num_seeds))
        found.append(examine(frames, asked, config, judge))
        first = frames if first is None else first
    assert first is not None, "one seed or more"
    return first, found


@torch.no_grad()
def _in_batches(reconstruct: Reconstruct | None, real: Frames) -> Tensor | None:
    if reconstruct is None:
        return None
    return torch.cat([reconstruct(part).detach().float().cpu() for part in real.split(BATCH)]).clamp(-1, 1)


def _control_findings(
    real: Frames, asked: list[Asked], config: SpriteConfig, judge: Judge, seed: int
) -> tuple[dict[str, Findings], Findings]:
    """Real clips spoiled in five ways, and the floor: each measure from the control that concerns it."""
    generator = Generator().manual_seed(seed)
    order = np.random.default_rng(seed).permutation(len(asked))
    found = {
        "shuffled_prompts": examine(real, [asked[i] for i in order], config, judge),
        "shuffled_frames": examine(controls.shuffled(real, generator), asked, config, judge),
        "static": examine(controls.static(real), asked, config, judge),
        "spliced": examine(controls.spliced(real), asked, config, judge),
        "noise": examine(controls.pure_noise(real, generator), asked, config, judge),
    }
    # Another prompt's clip is as persistent as the right one, as large, and shows as much: those need another floor.
    chance = found["shuffled_prompts"]
    unknown = torch.full_like(chance.blank, float("nan"))
    small = area_errors(controls.shrunk(real), config)
    return found, replace(chance, persistent=found["spliced"].persistent, blank=unknown, area_error=small)


def _groups(
    findings: Findings, asked: list[Asked], config: SpriteConfig, on_real: Findings, floor: Findings
) -> dict[str, Adherence]:
    held_out = torch.tensor([question.combination.held_out for question in asked])
    groups = {"all": torch.ones_like(held_out), "seen": ~held_out, "held_out": held_out}
    return {
        name: summarise(findings, has_colour=bool(config.colours), ceiling=on_real, floor=floor, where=where)
        for name, where in groups.items()
        if where.any()
    }


def _flicker(frames: Frames, real: Frames, config: SpriteConfig, seed: int) -> Measured | None:
    spoiled = controls.noisy(real, Generator().manual_seed(seed))
    each = [flicker(clips, config.sprite_size).nanmean().item() for clips in (frames, real, spoiled)]
    if np.isnan(each).any():  # sprites as large as the picture leave no background
        return None
    return Measured(value=each[0], ceiling=each[1], floor=each[2], count=len(frames))


def _drift(
    frames: Frames,
    findings: Findings,
    real: Frames,
    on_real: Findings,
    asked: list[Asked],
    config: SpriteConfig,
    judge: Judge,
) -> dict[str, Drift]:
    spoiled = controls.fading(real)
    return {
        "generated": drift(frames, findings),
        "real": drift(real, on_real),
        "fading": drift(spoiled, examine(spoiled, asked, config, judge)),
    }


def _memorisation(
    frames: Frames,
    real: Frames,
    other: Frames,
    reconstruct: Reconstruct | None,
    config: SpriteConfig,
    trained_on: TrainedOn | None,
) -> Memorisation | None:
    if trained_on is None:
        return None
    count = min(CONTROL_CLIPS, num_looked_at(config, trained_on))
    copies = SpriteClips(config, "train", trained_on.seed).batch(range(count)).frames
    through = _in_batches(reconstruct, copies)
    return memorisation(frames, real, other, copies if through is None else through, config, trained_on)


def _reconstruction(
    rebuilt: Tensor | None,
    real: Frames,
    asked: list[Asked],
    config: SpriteConfig,
    judge: Judge,
    on_real: Findings,
    floor: Findings,
) -> Reconstruction | None:
    if rebuilt is None:
        return None
    few, shown, empty = real[:PIXEL_CLIPS], rebuilt[:PIXEL_CLIPS], background(real[:PIXEL_CLIPS])
    count = few.shape[0] * few.shape[2]
    return Reconstruction(
        psnr=Measured(value=psnr(shown, few).mean().item(), floor=psnr(empty, few).mean().item(), count=count),
        ssim=Measured(
            value=ssim(shown, few).mean().item(), ceiling=1.0, floor=ssim(empty, few).mean().item(), count=count
        ),
        adherence=summarise(
            examine(rebuilt, asked, config, judge), has_colour=bool(config.colours), ceiling=on_real, floor=floor
        ),
    )


def _distances(
    network: VideoFeatures, frames: Frames, real: Frames, other: Frames, rebuilt: Tensor | None, seed: int
) -> dict[str, Distance]:
    generator = Generator().manual_seed(seed)
    sets = {"generated": frames, "real": other}
    sets |= {"shuffled": controls.shuffled(other, generator), "static": controls.static(other)}
    if rebuilt is not None:
        sets["reconstructed"] = rebuilt
    features = {name: network.features(clips) for name, clips in sets.items()}
    reference = network.features(real)
    pool = torch.cat([reference, features["real"]])
    halves = [torch.randperm(len(pool), generator=generator).chunk(2) for _ in range(RESPLITS)]
    out = {}
    for name, distance in (("frechet", frechet_distance), ("kernel", polynomial_mmd)):
        value = {key: distance(feature, reference) for key, feature in features.items()}
        # Against itself a small set is not at 0: Fréchet's bias is in both, so compare with the spread around it.
        split = np.array([distance(pool[a], pool[b]) for a, b in halves])
        limit = split.mean() + PUNISHED * split.std()
        tame = [control for control in ("shuffled", "static") if value[control] <= limit]
        why = f"{' and '.join(tame)} clips are as near as real ones can be ({limit:.3g})" if tame else ""
        out[name] = Distance(
            generated=value["generated"],
            real=value["real"],
            reconstructed=value.get("reconstructed"),
            shuffled=value["shuffled"],
            static=value["static"],
            void=bool(tame),
            void_because=why,
        )
    return out
