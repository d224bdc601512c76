"""What a processor likes, for the demo's training step and VAE: threads, denormal numbers, layouts, batch size.

Command: python benchmarks/cpu_choices.py [--rounds 5]

Each choice in turns with the one that is the default. What pays is the default; what does not stands in docs/log.md.
"""

from collections.abc import Callable

import torch
from shapes import prepared, sizes
from timing import arguments, figure, in_turns, write

from mutoscope.data.sprites import SpriteClips
from mutoscope.training.config import RunConfig
from mutoscope.training.trainer import train_step
from mutoscope.training.vae_task import VAETask
from mutoscope.vae.build import build_autoencoder
from mutoscope.vae.model import VideoVAE

BATCHES = (8, 16, 32, 64, 128)


def with_threads(count: int, work: Callable[[], object]) -> Callable[[], object]:
    def done() -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        work()
        torch.set_num_threads(before)

    return done


def flushing(work: Callable[[], object]) -> Callable[[], object]:
    def done() -> None:
        torch.set_flush_denormal(True)
        work()
        torch.set_flush_denormal(False)

    return done


def vae_passes(config: RunConfig, dtype: torch.dtype, layout: torch.memory_format) -> Callable[[], object]:
    """Loss and gradients of the VAE's stage."""
    vae = build_autoencoder(config.vae)
    assert isinstance(vae, VideoVAE)
    task = VAETask(vae, SpriteClips(config.data, "train", config.seed), config.seed)
    modules = task.modules.to(dtype).to(memory_format=layout)  # pyright: ignore
    return lambda: task.loss(modules, range(4)).mean().backward()


def main() -> None:
    given = arguments(__doc__, rounds=5)
    torch.manual_seed(0)
    config = next(iter(sizes(given.quick).values()))
    steps: dict[int, Callable[[], object]] = {}
    for batch in (2, 4) if given.quick else BATCHES:
        stage = config.training.model_copy(update={"batch_size": batch})
        _, task, state = prepared(config.model_copy(update={"training": stage}))
        steps[batch] = lambda t=task, s=state, c=stage: train_step(t, s, c)
    usual = min(steps, key=lambda batch: abs(batch - 32))
    works = {f"step, batch {batch}": step for batch, step in steps.items()}
    for count in range(1, torch.get_num_threads()):
        works[f"step, batch {usual}, {count} of {torch.get_num_threads()} threads"] = with_threads(count, steps[usual])
    works[f"step, batch {usual}, denormals flushed"] = flushing(steps[usual])
    for name, layout in (("plain", torch.contiguous_format), ("channels last", torch.channels_last)):
        for dtype in (torch.float32, torch.bfloat16):
            words = f"VAE forward + backward, {name}, {str(dtype).removeprefix('torch.')}"
            works[words] = vae_passes(config, dtype, layout)
    seconds = in_turns(works, given.rounds)
    figures = [figure(f"{name}, ms", [1000 * s for s in values]) for name, values in seconds.items()]
    figures += [
        figure(f"batch {batch}, clips/s", [batch / s for s in seconds[f"step, batch {batch}"]]) for batch in steps
    ]
    write(given.out, "Choices on a processor", "python benchmarks/cpu_choices.py", [], figures)


if __name__ == "__main__":
    main()
