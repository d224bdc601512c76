"""Where the time of a training step goes, by PyTorch's own profiler."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity
from torch.profiler import profile as recording

from ..data.open import open_clips
from ..files import whole_file
from ..vae.model import VideoVAE
from .adversarial_task import AdversarialTask
from .config import RunConfig, StageConfig, adversarial_stage
from .distributed import PLAIN, Engine
from .plan import WARM_STEPS, diffusion_on_noise
from .run import build_model
from .state import start
from .task import Stopwatch, Task
from .trainer import PARTS, train_step
from .vae_task import VAETask


@dataclass(frozen=True)
class Cost:
    """One operator, without the operators it calls; per step."""

    name: str
    seconds: float
    calls: float


@dataclass(frozen=True)
class StageProfile:
    """What a step of a stage takes."""

    name: str
    examples: int
    dtype: str
    seconds_per_step: float
    """As measured without the profiler, which makes small operators slower."""
    parts: dict[str, float]
    """Shares of a step: of waiting for data, and of each of the trainer's parts, which includes that waiting."""
    costs: list[Cost]
    """Largest first. Their sum is that of a step with the profiler at work."""
    trace: Path


def profile(config: RunConfig, out: Path, steps: int, engine: Engine = PLAIN) -> Iterator[StageProfile]:
    """Of every stage, `steps` steps on real clips (the last one: on noise for latents), after some to warm up.

    Writes a trace of each into the folder `out`.
    """
    clips = open_clips(config.data, "train", config.seed)
    model = build_model(config, clips).to(engine.device)
    if isinstance(model.vae, VideoVAE):
        stage = config.vae_training
        yield profile_stage(VAETask(model.vae, clips, config.seed), stage, out, steps)
        if model.vae.config.adversarial_weight:
            stage = adversarial_stage(stage)
            yield profile_stage(AdversarialTask(model.vae, clips, config.seed, stage), stage, out, steps)
    yield profile_stage(diffusion_on_noise(config, model, clips), config.training, out, steps, engine)


def profile_stage(task: Task, config: StageConfig, out: Path, steps: int, engine: Engine = PLAIN) -> StageProfile:
    """Of one stage; changes the task's weights."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        state = start(task, config, Path(folder), engine=engine)
    for _ in range(WARM_STEPS):
        train_step(task, state, config)
    fetched, watch = task.fetching.seconds, Stopwatch()
    with watch:
        for _ in range(steps):
            train_step(task, state, config)
    waited = (task.fetching.seconds - fetched) / watch.seconds
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with recording(activities=activities) as recorded:
        for _ in range(steps):
            train_step(task, state, config)
    trace = out / f"trace-{task.name}.json"
    with whole_file(trace) as half:
        recorded.export_chrome_trace(str(half))
    events = {event.key: event for event in recorded.key_averages()}
    known = [events[name] for name in PARTS if name in events]
    inside = sum(event.cpu_time_total for event in known)
    costs = [
        Cost(key, (event.self_device_time_total or event.self_cpu_time_total) / 1e6 / steps, event.count / steps)
        for key, event in events.items()
        if key not in PARTS
    ]
    return StageProfile(
        task.name,
        config.batch_size * config.grad_accum,
        str(state.dtype).removeprefix("torch."),
        watch.seconds / steps,
        {"waiting for data": waited} | {event.key: event.cpu_time_total / inside for event in known},
        sorted(costs, key=lambda cost: -cost.seconds),
        trace,
    )
