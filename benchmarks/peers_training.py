"""A training step of ours and of diffusers' transformer of equal shape, in turns.

Command: python benchmarks/peers_training.py [--rounds 15]

Ours: what `mutoscope train` does in a step: captions read by a text encoder that learns, noise, forward, backward,
clipping, Muon and AdamW, averaging. Theirs: what diffusers' training scripts do: noise, WanTransformer3DModel with text
states that are given, mean squared error, backward, clip_grad_norm_, AdamW, EMAModel; in float32 and under bfloat16
autocast, of which the faster one counts. Equal batch, tokens, text length and threads.
"""

from collections.abc import Callable

import torch
from shapes import millions, prepared, sizes, wan_transformer
from timing import arguments, figure, in_turns, ratios, write
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.training.config import RunConfig
from mutoscope.training.trainer import train_step

TARGET, CPU = 2.5, torch.device("cpu")


def theirs(
    transformer: nn.Module,
    config: RunConfig,
    shape: tuple[int, ...],
    text: int,
    autocast: bool,
    device: torch.device = CPU,
) -> Callable[[], object]:
    """A training step in the manner of diffusers' scripts."""
    from diffusers.training_utils import EMAModel

    batch, settings = config.training.batch_size, config.training
    optimizer = torch.optim.AdamW(transformer.parameters(), lr=1e-4, betas=(0.9, 0.999), weight_decay=1e-2)
    average = EMAModel(transformer.parameters(), decay=settings.ema_decay)
    latents = torch.randn(batch, *shape, device=device)
    states = torch.randn(batch, text, config.text.model_dim, device=device)

    def step() -> None:
        noise = torch.randn_like(latents)
        sigmas = torch.rand(batch, device=device)
        mixed = (1 - sigmas.reshape(-1, 1, 1, 1, 1)) * latents + sigmas.reshape(-1, 1, 1, 1, 1) * noise
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            found = transformer(mixed, 1000 * sigmas, states, return_dict=False)[0]
        loss = nn.functional.mse_loss(found.float(), noise - latents)
        loss.backward()
        nn.utils.clip_grad_norm_(transformer.parameters(), settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        average.step(transformer.parameters())

    return step


def flops_of(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 1e9


def measure(name: str, config: RunConfig, rounds: int) -> tuple[list[str], list[dict]]:
    model, task, state = prepared(config)
    shape, text = model.latent_shape(config.data.num_frames), task._captions.values.shape[1]
    peer = wan_transformer(config)
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: train_step(task, state, config.training),
        "float32": theirs(peer, config, shape, text, autocast=False),
        "autocast": theirs(wan_transformer(config), config, shape, text, autocast=True),
    }
    counted = flops_of(lambda: task.loss(state.compute.modules, range(config.training.batch_size)).mean().backward())
    seconds, batch = in_turns(works, rounds), config.training.batch_size
    best = min(("float32", "autocast"), key=lambda kind: sorted(seconds[kind])[rounds // 2])
    notes = [
        f"{name}: ours {millions(model.denoiser)} and a text encoder of {millions(model.text)}, {counted:.1f} GFLOP in "
        f"loss and gradients, {str(state.dtype).removeprefix('torch.')}, {config.training.optimizer}; "
        f"WanTransformer3DModel of equal shape {millions(peer)}, {flops_of(works['float32']):.1f} GFLOP, "
        f"AdamW, the faster of float32 and autocast: {best}; batch {batch}"
    ]
    kinds = {"ours": "ours", "float32": "diffusers, float32", "autocast": "diffusers, bfloat16 autocast"}
    figures = [figure(f"{name}: {words}, clips/s", [batch / s for s in seconds[k]]) for k, words in kinds.items()]
    times = ratios(seconds[best], seconds["ours"])
    return notes, [*figures, figure(f"{name}: ours / diffusers, examples per second", times, TARGET)]


def main() -> None:
    given = arguments(__doc__, rounds=15)
    torch.manual_seed(0)
    notes, figures = [], []
    for name, config in sizes(given.quick).items():
        told, found = measure(name, config, given.rounds)
        notes += told
        figures += found
    write(given.out, "Training step against diffusers", "python benchmarks/peers_training.py", notes, figures)


if __name__ == "__main__":
    main()
