"""Sampling with ours and with diffusers' WanPipeline around a transformer of equal shape, in turns.

Command: python benchmarks/peers_sampling.py [--rounds 7] [--steps 12] [--batch 8]

Both make latents of the same shape from noise in equally many guided Euler steps, two network calls each, with text
states that are read before the clock starts. Ours runs as `mutoscope generate` does: in bfloat16 where the processor
has it. Theirs runs in float32, diffusers' default, and in bfloat16; the faster one counts.
"""

from collections.abc import Callable

import torch
from shapes import millions, prepared, sizes, wan_transformer
from timing import arguments, figure, in_turns, ratios, write

from mutoscope.diffusion.timesteps import time_grid
from mutoscope.model import VideoModel
from mutoscope.nn.precision import fast_dtype
from mutoscope.pipeline import GenerateRequest, seeded_draw
from mutoscope.pipeline.guided import guided_denoiser, question_of
from mutoscope.samplers.table import sampler_of
from mutoscope.training.config import RunConfig

TARGET, GUIDANCE, PROMPT = 2.0, 5.0, "a red 7 moving left"


def ours(model: VideoModel, config: RunConfig, steps: int, batch: int) -> Callable[[], object]:
    changes = {"sampler": "euler", "steps": steps, "guidance_scale": GUIDANCE, "guidance_interval": (0.0, 1.0)}
    sampling = config.sampling.model_copy(update=changes)
    prompts = (PROMPT,) * batch
    request = GenerateRequest(prompts=prompts, seeds=tuple(range(batch)), sampling=sampling)
    draw = seeded_draw(request.seeds, model.latent_shape(config.data.num_frames))
    question, times = question_of(model, request), time_grid(steps, config.diffusion.shift)

    @torch.no_grad()
    def sample() -> torch.Tensor:
        return sampler_of(sampling, draw)(guided_denoiser(question, sampling), draw(), times, model.path)

    return sample


def theirs(config: RunConfig, model: VideoModel, steps: int, batch: int, dtype: torch.dtype) -> Callable[[], object]:
    from diffusers import FlowMatchEulerDiscreteScheduler, WanPipeline

    transformer = wan_transformer(config).to(dtype).eval()
    scheduler = FlowMatchEulerDiscreteScheduler(shift=config.diffusion.shift)
    pipeline = WanPipeline(None, None, None, scheduler, transformer)  # pyright: ignore
    pipeline.set_progress_bar_config(disable=True)
    length = model.prepare([PROMPT])[1].sum()
    states = torch.randn(batch, int(length), config.text.model_dim)
    latents = torch.randn(batch, *model.latent_shape(config.data.num_frames))

    def sample() -> object:
        return pipeline(
            prompt_embeds=states,
            negative_prompt_embeds=torch.zeros_like(states),
            latents=latents,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            height=config.data.height * 16,
            width=config.data.width * 16,
            num_frames=config.data.num_frames,
            output_type="latent",
        )

    return sample


def measure(name: str, config: RunConfig, rounds: int, steps: int, batch: int) -> tuple[list[str], list[dict]]:
    model = prepared(config)[0].eval().to(fast_dtype())
    works = {
        "ours": ours(model, config, steps, batch),
        "float32": theirs(config, model, steps, batch, torch.float32),
        "bfloat16": theirs(config, model, steps, batch, torch.bfloat16),
    }
    seconds = in_turns(works, rounds)
    best = min(("float32", "bfloat16"), key=lambda kind: sorted(seconds[kind])[rounds // 2])
    note = (
        f"{name}: ours {millions(model.denoiser)}, {str(model.dtype).removeprefix('torch.')}; WanPipeline around "
        f"{millions(wan_transformer(config))}, the faster of float32 and bfloat16: {best}; {batch} videos, {steps} "
        f"guided Euler steps, latents {model.latent_shape(config.data.num_frames)}"
    )
    kinds = {"ours": "ours", "float32": "diffusers, float32", "bfloat16": "diffusers, bfloat16"}
    figures = [figure(f"{name}: {words}, videos/s", [batch / s for s in seconds[k]]) for k, words in kinds.items()]
    times = ratios(seconds[best], seconds["ours"])
    return [note], [*figures, figure(f"{name}: ours / diffusers, videos per second", times, TARGET)]


def main() -> None:
    given = arguments(__doc__, rounds=7, steps=12, batch=8)
    torch.manual_seed(0)
    notes, figures = [], []
    for name, config in sizes(given.quick).items():
        told, found = measure(name, config, given.rounds, given.steps, given.batch)
        notes += told
        figures += found
    write(given.out, "Sampling against diffusers", "python benchmarks/peers_sampling.py", notes, figures)


if __name__ == "__main__":
    main()
