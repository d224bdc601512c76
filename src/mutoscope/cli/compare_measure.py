"""All numbers of one trained entry of a comparison, from its run folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .compare_plan import PlannedEntry
from .folders import load_pipeline

if TYPE_CHECKING:
    from torch import Tensor

    from ..evaluation.asking import Generate
    from ..evaluation.comparison import Entry, Exam, QualityPoint, Stage
    from ..evaluation.result import Measured
    from ..pipeline import Pipeline
    from ..samplers.config import SamplingConfig

SAMPLING_STEPS = (2, 4, 8, 16, 32)
BATCH = 16  # videos that are timed together


def measure(
    planned: PlannedEntry, command: str, run: Path, exam: "Exam", few_prompts: int, cache: Path
) -> "tuple[Entry, Tensor]":
    """All numbers of a trained entry, and its videos of the exam's prompts."""
    from ..evaluation.comparison import Entry, StepsPoint, time_per_video
    from ..evaluation.quick import quick_adherence
    from ..samplers.config import SamplingConfig
    from ..training.plan import trains_vae

    def quality(generate: "Generate") -> "Measured":
        return quick_adherence(exam.config, generate, few_prompts, exam.seed, cache).all_correct

    pipeline = load_pipeline(run)
    model, sampling = pipeline.model, pipeline.model.config.sampling
    adherence, frames = exam.grade(generator(pipeline))
    others = [SamplingConfig.model_validate(sampling.model_dump() | {"steps": steps}) for steps in SAMPLING_STEPS]
    summary = json.loads((run / "summary.json").read_text())
    parts = {name: sum(p.numel() for p in module.parameters()) for name, module in model.named_children()}
    entry = Entry(
        name=planned.name,
        command=command,
        parameters={name: number for name, number in parts.items() if number},
        stages=stages_of(planned, run, summary),
        encode_seconds=planned.encode_seconds,
        peak_memory_mb=summary["peak_memory_mb"],
        ms_per_video=time_per_video(generator(pipeline), [question.prompt for question in exam.asked[:BATCH]]),
        sampling_steps=sampling.steps,
        adherence=adherence,
        vae_psnr=exam.psnr(lambda real: model.decode(model.encode(real))) if trains_vae(planned.config) else None,
        quality=quality_of(planned, run, summary, quality),
        by_steps=tuple(StepsPoint(steps=o.steps, all_correct=quality(generator(pipeline, o))) for o in others),
    )
    return entry, frames


def generator(pipeline: "Pipeline", sampling: "SamplingConfig | None" = None) -> "Generate":
    """Frames of prompts; sampling None = the model's own."""
    from ..pipeline import GenerateRequest, generate

    def make(prompts: list[str], seeds: list[int]) -> "Tensor":
        return generate(pipeline.model, GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), sampling=sampling))

    return make


def stages_of(planned: PlannedEntry, run: Path, summary: dict[str, Any]) -> "dict[str, Stage]":
    """Time, operations and losses of every stage that was trained."""
    from ..evaluation.comparison import Stage

    configs = {"vae": planned.config.vae_training, "diffusion": planned.config.training}
    flops = {"vae": planned.vae_flops, "diffusion": planned.diffusion_flops}
    stages = {}
    for name, config in configs.items():
        if (per_step := flops[name]) is not None:
            clips, steps = config.batch_size * config.grad_accum, summary["stages"][name]["steps"]
            stages[name] = Stage(
                steps=steps,
                seconds=summary["stages"][name]["seconds"],
                examples=clips * steps,
                flops_per_example=per_step / clips,
                flops_per_step=per_step,
                losses=tuple((row["seconds"], row["loss"]) for row in rows_of(run, name)),
            )
    return stages


def quality_of(
    planned: PlannedEntry, run: Path, summary: dict[str, Any], quality: "Callable[[Generate], Measured]"
) -> "tuple[QualityPoint, ...]":
    """Every snapshot: seconds of training up to it, all stages counted, and how good it is."""
    from ..evaluation.comparison import QualityPoint, seconds_at

    logged = [(row["step"], row["seconds"]) for row in rows_of(run, "diffusion")]
    before = planned.encode_seconds + summary["stages"].get("vae", {}).get("seconds", 0.0)
    points = []
    for folder in sorted((run / "snapshots").glob("step-*")):
        step = int(folder.name.removeprefix("step-"))
        found = quality(generator(load_pipeline(folder)))
        points.append(QualityPoint(step=step, seconds=before + seconds_at(step, logged), all_correct=found))
    return tuple(points)


def rows_of(run: Path, stage: str) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl of a stage."""
    from ..evaluation.report import read_metrics

    return [row for row in read_metrics(run / "metrics.jsonl") if row["stage"] == stage]
