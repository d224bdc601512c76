"""Before anything long: what will be trained on, how often, for how long, and how much memory that takes."""

import math

from ..data.clips import FolderClips
from ..data.frame_store import HELD_BYTES
from ..data.open import Clips, DrawnClips, open_clips
from ..memory import memory_bytes, peak_memory_mb
from ..model import VideoModel
from ..words import about, size
from .config import RunConfig, StageConfig
from .distributed import PLAIN, Engine
from .plan import StageCosts, cost_of
from .run import build_model

FEW_EPOCHS = 50
"""Clips seen more often than this are said to be repeated: what is generated may then be what was learned by heart."""


def preflight(config: RunConfig, engine: Engine = PLAIN) -> list[str]:
    """Lines for a person. Times a few real steps of every stage, so it takes seconds.

    ValueError, in one line, where the clips cannot be used. OutOfMemory, with what helps, where a step needs too much.
    """
    clips = open_clips(config.data, "train", config.seed)
    costs, model = cost_of(config, "seconds", engine), build_model(config, clips)
    # The timed steps have used what a step uses; what is kept beside them is added.
    memory = round(peak_memory_mb() * 2**20 + kept_bytes(config, model, clips))
    lines = [
        *clip_lines(config, clips),
        *stage_lines(config, costs, clips.config.num_clips if isinstance(clips, DrawnClips) else len(clips)),
        parameter_line(model),
        f"expected: {about(costs.total(config))}, about {size(memory)} of memory",
    ]
    if (found := memory_bytes()) and memory > found[0]:
        lines.append(f"  this machine has {size(found[0])}: it may stop this run without a word")
    if engine.processes.count > 1:
        lines.append(f"  for each of {engine.processes.count} processes, without what they tell each other")
    return lines


def parameter_line(model: VideoModel) -> str:
    """How large the parts of the model are."""
    parts = {name: sum(p.numel() for p in module.parameters()) for name, module in model.named_children()}
    told = ", ".join(f"{name} {count:,}" for name, count in parts.items() if count)
    return f"parameters: {told}"


def kept_bytes(config: RunConfig, model: VideoModel, clips: Clips) -> float:
    """Latents of all cached clips in float32, and the decoded clips themselves."""
    latents = 4.0 * config.cached_clips * math.prod(model.latent_shape(config.data.num_frames))
    return latents + (0 if isinstance(clips, DrawnClips) else min(clips.num_bytes or 0, HELD_BYTES))


def clip_lines(config: RunConfig, clips: Clips) -> list[str]:
    """How many clips there are, and what is missing."""
    shapes = ", ".join(f"{frames} frames of {height} x {width}" for frames, height, width in config.data.sizes)
    if isinstance(clips, DrawnClips):
        count = f"{clips.config.num_clips:,}" if clips.config.num_clips else "without end"
        return [f"clips: drawn, {count}; {shapes}"]
    lines = [f"clips: {len(clips):,} in {clips.config.folder}; {shapes}, {clips.config.fps:g} per second"]
    if not isinstance(clips, FolderClips):  # shards are not looked into before their turn
        return lines
    if clips.too_short:
        lines.append(
            f"  {clips.too_short} more are too short and NOT used; the shortest has {clips.shortest_left_out} frames: "
            f"--data.num-frames {clips.shortest_left_out}, or a higher --data.fps"
        )
    if missing := sum(not entry.caption for entry in clips.entries):
        lines.append(f"  {missing} have no caption: they train the model without text")
    return lines


def stage_lines(config: RunConfig, costs: StageCosts, num_clips: int | None) -> list[str]:
    """Steps and epochs. num_clips: None = no clip comes twice unless it is cached."""
    lines = []
    if costs.vae is not None:
        lines.append(_stage("VAE", config.vae_training, costs.vae, num_clips))
    lines.append(_stage("diffusion", config.training, costs.diffusion, config.cached_clips))
    if num_clips is not None and config.cached_clips > num_clips:
        windows = config.cached_clips / num_clips
        lines.append(f"  {config.cached_clips:,} cached windows: {windows:,.0f} of every clip, which are repeated")
    return lines


def _stage(name: str, stage: StageConfig, seconds: float, num_clips: int | None) -> str:
    examples = stage.batch_size * stage.grad_accum
    line = f"{name}: {stage.steps:,} steps of {examples} clips, {about(stage.steps * seconds)}"
    if num_clips is None:
        return line
    per_epoch, epochs = max(1, math.ceil(num_clips / examples)), stage.steps * examples / num_clips
    repeated = f", every clip {epochs:,.0f} times" if epochs > FEW_EPOCHS else ""
    return f"{line}; {per_epoch:,} step{'s' if per_epoch > 1 else ''} per epoch, {epochs:.3g} epochs{repeated}"
