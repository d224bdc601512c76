"""A whole run: VAE, latent statistics, latent cache, diffusion model, saved model. Called again, it goes on."""

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import torch
from torch import nn

from ..config import Config
from ..data.buckets import alike
from ..data.cache import LatentCache, encode_latents
from ..data.open import open_clips
from ..files import whole_file
from ..model import VideoModel
from ..processes import ALONE, Processes
from ..text.build import new_reader
from ..vae.autoencoder import Autoencoder
from ..vae.model import VideoVAE, compression_ratio, latent_shape
from .adversarial_task import CHECK_EVERY, AdversarialTask, WorseReconstruction
from .callbacks import SILENT, Callbacks
from .captions import prepare_captions
from .config import RunConfig, StageConfig, adversarial_stage
from .diffusion_task import DiffusionTask
from .distributed import PLAIN, Engine
from .lock import sole_use
from .memory import explained
from .recovery import NonFiniteLoss
from .run_folder import write_prompts
from .seeds import seed_of
from .summary import SUMMARY, Summary, finished
from .task import Clips, Task
from .trainer import Hook, Interrupted, fit
from .vae_task import VAETask

ENCODE_CHUNK = 16  # latent frames at a time: a long clip needs no more memory than a short one
SAMPLES = 4  # captions that videos are made of where no prompts are given
STATISTICS_CLIPS = 256  # enough for a mean and a standard deviation per channel to three digits


@dataclass(frozen=True)
class Session:
    """One call of `train`: where it writes, who watches it, who takes part."""

    config: RunConfig
    run: Path
    callbacks: Callbacks
    engine: Engine
    summary: Summary

    @property
    def for_vae(self) -> "Session":
        """The VAE is small beside what flows through it, and its layers hand on a memory: nothing but DDP."""
        return replace(self, engine=Engine(self.engine.processes))


def train(config: RunConfig, out: str | Path, callbacks: Callbacks = SILENT, engine: Engine = PLAIN) -> Path:
    """Train all stages into the run folder `out`, or go on with what is there; returns the folder.

    engine: how it is computed. Where several processes do it (see `joined`), the folder must be the same for all of
    them; only the first one writes and calls back, except that any of them may ask to stop.

    Raises ValueError where the folder holds a run with other settings, another process is at it, or the settings do not
    fit each other, `Interrupted` where `should_stop` said so (after saving), `NonFiniteLoss` where training broke down,
    `OutOfMemory`, with what helps, where a step needs too much.
    """
    run, processes = Path(out), engine.processes
    check(config, processes)
    asked = callbacks.should_stop
    callbacks = callbacks if processes.first else SILENT
    callbacks = replace(callbacks, should_stop=lambda: processes.any(asked()))
    with ExitStack() as stack:
        if processes.first:
            open_run(config, run)
            stack.enter_context(sole_use(run))
        processes.wait()
        _train_stages(config, Session(config, run, callbacks, engine, Summary(run / SUMMARY, processes.first)))
        processes.wait()
    return run


def _train_stages(config: RunConfig, session: Session) -> None:
    run, callbacks, processes = session.run, session.callbacks, session.engine.processes
    if processes.from_first(finished(config, run, session.summary)):
        return
    clips = open_clips(config.data, "train", config.seed)
    model = build_model(config, clips).to(session.engine.device)
    # Before the first step: captions that are too long for the text encoder are refused now, not after the VAE.
    texts = clips.captions(range(config.cached_clips))
    captions = prepare_captions(model, texts, run / "cache" / "text.safetensors", processes)
    if config.sample_prompts:
        model.reader.check(config.sample_prompts)

    if isinstance(model.vae, VideoVAE):
        fit_stage(VAETask(model.vae, clips, config.seed), config.vae_training, session.for_vae)
        data = config.data
        ratio = compression_ratio(config.vae, data.num_frames, data.height, data.width)
        session.summary.add("vae", {"compression": round(ratio, 2)})
        if model.vae.config.adversarial_weight:
            sharpen(model.vae, clips, config, session.for_vae)
    measure_statistics(model.vae, clips)

    latents = cached_latents(model.vae, clips, config, session).to(session.engine.device)
    task = DiffusionTask(model, latents, captions, config.diffusion, config.seed)

    if config.sample_every and processes.first:
        write_prompts(run, config.sample_prompts or tuple(dict.fromkeys(filter(None, texts)))[:SAMPLES])

    def sample(averaged: nn.ModuleDict, step: int) -> None:
        callbacks.on_samples(with_weights(model, averaged), step)

    def keep(averaged: nn.ModuleDict, step: int) -> None:
        if processes.first and step in snapshot_steps(config.training.steps, config.snapshots):
            with_weights(model, averaged).save(run / "snapshots" / f"step-{step:06d}", torch.float16)

    hooks: list[Hook] = [(config.sample_every, sample), (1 if config.snapshots else 0, keep)]
    fit_stage(task, config.training, session, hooks)
    if processes.first:
        model.save(run / "model")


def cached_latents(vae: Autoencoder, clips: Clips, config: RunConfig, session: Session) -> LatentCache:
    """Of the clips that the diffusion model trains on, from the run folder where they are current."""
    callbacks = session.callbacks

    def encoded(done: int, total: int) -> None:
        callbacks.on_step("encode", done, total, float("nan"))
        if callbacks.should_stop():
            raise Interrupted(f"stopped while encoding clips, {done} of {total}")

    vae.eval()
    return encode_latents(
        lambda frames: vae.encode(frames.to(session.engine.device), ENCODE_CHUNK).cpu(),
        clips,
        config.cached_clips,
        session.run / "cache" / "latents",
        key=cache_key(vae, clips.identity),
        on_batch=encoded,
        on_notice=callbacks.on_notice,
        processes=session.engine.processes,
    )


def fit_stage(task: Task, config: StageConfig, session: Session, hooks: Sequence[Hook] = ()) -> None:
    """Train one stage and leave the averaged weights in the task's modules."""
    with explained(task, config, session.config, session.engine):
        state = fit(task, config, session.run, hooks, session.callbacks, session.engine)
    task.modules.load_state_dict(state.averaged(task).state_dict())
    parameters = sum(p.numel() for p in task.modules.parameters())
    session.summary.add(
        task.name,
        {
            "steps": state.step,
            "seconds": round(state.seconds, 1),
            "parameters": parameters,
            "precision": str(state.dtype).removeprefix("torch."),
        },
    )


def sharpen(vae: VideoVAE, clips: Clips, config: RunConfig, session: Session) -> None:
    """The adversarial stage. Where it fails, the run says so and goes on with the VAE from before it."""
    summary = session.summary
    if "rolled_back" in summary.values["stages"].get(AdversarialTask.name, {}):
        return
    stage = adversarial_stage(config.vae_training)
    before, task = copy.deepcopy(vae.state_dict()), AdversarialTask(vae, clips, config.seed, stage)
    try:
        fit_stage(task, stage, session, [(CHECK_EVERY, task.check)])
    except (NonFiniteLoss, WorseReconstruction) as error:
        vae.load_state_dict(before)
        summary.add(task.name, {"rolled_back": str(error)})
        session.callbacks.on_notice(f"adversarial stage given up, the VAE is as it was before it: {error}")


def check(config: RunConfig, processes: Processes = ALONE) -> None:
    """Refuse settings that do not fit each other, before anything is computed."""
    for stage in (config.vae_training, config.training):
        processes.part(range(stage.batch_size))
    if config.vae.channels != (channels := config.data.channels):
        raise ValueError(
            f"vae.channels={config.vae.channels} does not fit clips of {channels} channels. "
            f"Use --vae.channels {channels}."
        )
    for size in config.data.sizes:
        config.denoiser.check_latents(latent_shape(config.vae, *size)[1:])


def open_run(config: RunConfig, run: Path) -> None:
    """Make the run folder, or see that it holds the same run."""
    file = run / "config.json"
    if file.exists():
        try:
            before = RunConfig.model_validate_json(file.read_text())
        except ValueError as error:
            raise ValueError(f"{file} cannot be read ({str(error).splitlines()[0]}). Choose another --out.") from error
        if before != config:
            raise ValueError(
                f"{run} holds a run with other settings ({first_difference(before, config)}). "
                f"Choose another --out, or remove that folder."
            )
        return
    run.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as half:
        half.write_text(config.model_dump_json(indent=1))


def first_difference(before: Config, now: Config, prefix: str = "") -> str:
    """The first field in which two configurations differ, as `section.field: was -> is`."""
    for name in type(before).model_fields:
        a, b = getattr(before, name), getattr(now, name)
        if a != b:
            if isinstance(a, Config) and isinstance(b, Config):
                return first_difference(a, b, f"{prefix}{name}.")
            return f"{prefix}{name}: {a} -> {b}"
    return "none"


def build_model(config: RunConfig, clips: Clips) -> VideoModel:
    """The model with its initial weights, a function of the seed, and a reader of the captions."""
    reader = new_reader(config.text, lambda: clips.captions(range(4096)))
    with torch.random.fork_rng(devices=[]):  # initial weights are the one draw that takes no generator
        torch.manual_seed(seed_of(config.seed, "weights"))
        return VideoModel(config.model, reader)


@torch.no_grad()
def measure_statistics(vae: Autoencoder, clips: Clips) -> None:
    """Mean and standard deviation per channel of the raw latents of training clips."""
    parts = []
    for first in range(0, STATISTICS_CLIPS, 32):
        for group in alike(clips.shapes(range(first, first + 32))):
            frames = clips.batch([first + place for place in group]).frames.to(vae.latent_mean.device)
            parts.append(vae.encode_raw(frames, ENCODE_CHUNK).transpose(0, 1).flatten(1))
    values = torch.cat(parts, dim=1)
    vae.set_statistics(values.mean(1), values.std(1))


def cache_key(vae: Autoencoder, clips_identity: str) -> str:
    """Changes with the VAE's weights and the clips."""
    digest = blake2b(clips_identity.encode(), digest_size=16)
    for name, tensor in sorted(vae.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def snapshot_steps(steps: int, count: int) -> list[int]:
    """Steps after which a model is kept: `count` of them, evenly spaced, up to the last; fewer in a short run."""
    return sorted({-(-steps * k // count) for k in range(1, count + 1)})  # rounded up, so never step 0


def with_weights(model: VideoModel, averaged: nn.ModuleDict) -> VideoModel:
    """The model as it would be saved now: averaged denoiser and text encoder, its own VAE."""
    snapshot = VideoModel(model.config, model.reader)
    snapshot.load_state_dict(model.state_dict())
    for name, module in averaged.items():
        getattr(snapshot, name).load_state_dict(module.state_dict())
    return snapshot.to(model.device).eval()
