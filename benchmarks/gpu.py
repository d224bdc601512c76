"""Training and sampling on a GPU: DiT-L, about 300 M parameters, 1,024 tokens, against the matmul rate and diffusers.

Command: python benchmarks/gpu.py [--rounds 10] [--batch 16] --out gpu.json     (one GPU, under 8 minutes)

Training steps in bfloat16 as `mutoscope train` takes them (float32 masters, clipping, Muon or AdamW, averaging), eager
and with compiled blocks; diffusers' WanTransformer3DModel of equal shape as its scripts train it (bfloat16 autocast,
AdamW, EMAModel), eager and compiled. MFU: model FLOPs over the rate of an 8192^3 bfloat16 product, in turns with them.
Sampling: the network's call, eager and as a CUDA graph. --quick runs on a CPU with a tiny network.
"""

from collections.abc import Callable

import torch
from peers_training import flops_of, theirs
from shapes import millions, prepared, wan_transformer
from timing import arguments, figure, in_turns, ratios, write
from torch import Tensor

from mutoscope.denoisers.config import DiTConfig
from mutoscope.nn.precision import fast_device, synchronize
from mutoscope.recipes.demo import demo
from mutoscope.recipes.smoke import smoke
from mutoscope.text.config import TextConfig
from mutoscope.training.config import RunConfig
from mutoscope.training.distributed import Engine
from mutoscope.training.trainer import train_step
from mutoscope.vae.config import VAEConfig

MFU_TARGET, PEER_TARGET = 0.5, 1.3
MATMUL = 8192


def shape(quick: bool, batch: int, optimizer: str) -> RunConfig:
    """Latents of 16 x 4 x 32 x 32 under patches of 1 x 2 x 2: 1,024 tokens."""
    small = demo()
    stage = small.training.model_copy(update={"batch_size": batch, "precision": "bfloat16", "optimizer": optimizer})
    if quick:
        return smoke().model_copy(update={"training": stage.model_copy(update={"batch_size": 2})})
    return small.model_copy(
        update={
            "data": small.data.model_copy(update={"num_frames": 13, "height": 256, "width": 256}),
            "vae": VAEConfig(latent_channels=16, spatial_stride=8, shortcuts=True),
            "text": TextConfig(model_dim=512, depth=2),
            "denoiser": DiTConfig(model_dim=1024, num_heads=16, depth=20, modulation="shared"),
            "training": stage,
        }
    )


def synchronised(work: Callable[[], object], device: torch.device) -> Callable[[], object]:
    def done() -> None:
        work()
        synchronize(device)

    return done


def training(given, device: torch.device) -> tuple[list[str], list[dict]]:  # noqa: ANN001
    works: dict[str, Callable[[], object]] = {}
    notes, flops = [], 0.0
    kinds = [("Muon", "muon", False), ("AdamW", "adamw", False)]
    kinds += [] if given.quick else [("Muon, compiled", "muon", True), ("AdamW, compiled", "adamw", True)]
    for name, optimizer, compiled in kinds:
        config = shape(given.quick, given.batch, optimizer)
        model, task, state = prepared(config, Engine(compile=compiled))
        works[f"ours, {name}"] = lambda t=task, s=state, c=config: train_step(t, s, c.training)
        if not flops:
            examples = range(min(2, config.training.batch_size))
            count = flops_of(lambda t=task, e=examples: t.loss(t.modules, e).mean().backward())
            flops = 1e9 * count * config.training.batch_size / len(examples)
            task.modules.zero_grad(set_to_none=True)
            tokens = model.latent_shape(config.data.num_frames)
            notes.append(f"ours {millions(model.denoiser)}, latents {tokens}, batch {config.training.batch_size}")
    config = shape(given.quick, given.batch, "adamw")
    for compiled in (False,) if given.quick else (False, True):
        peer = wan_transformer(config).to(device)
        if compiled:
            peer = torch.compile(peer)
        text = config.text.max_tokens
        works[f"diffusers{', compiled' if compiled else ''}"] = theirs(
            peer, config, model.latent_shape(config.data.num_frames), text, autocast=True, device=device
        )
        notes += [] if compiled else [f"WanTransformer3DModel of equal shape {millions(peer)}"]
    size = 256 if given.quick else MATMUL
    square = torch.ones(size, size, dtype=torch.bfloat16, device=device)
    works["matmul"] = lambda: square @ square
    seconds = in_turns({name: synchronised(work, device) for name, work in works.items()}, given.rounds)
    batch, rate = config.training.batch_size, [2 * size**3 / s for s in seconds.pop("matmul")]
    figures = [figure("bf16 matmul, TFLOP/s", [r / 1e12 for r in rate])]
    for name, values in seconds.items():
        figures.append(figure(f"{name}: clips/s", [batch / s for s in values]))
        if name.startswith("ours"):
            mfu = [flops / s / r for s, r in zip(values, rate, strict=True)]
            figures.append(figure(f"{name}: model FLOPs / matmul rate", mfu, MFU_TARGET))
    middle = {name: sorted(values)[len(values) // 2] for name, values in seconds.items()}
    ours, peer = (
        min((n for n in middle if n.startswith(who)), key=middle.__getitem__) for who in ("ours", "diffusers")
    )
    times = ratios(seconds[peer], seconds[ours])
    return notes, [*figures, figure(f"{ours} / {peer}, examples per second", times, PEER_TARGET)]


@torch.no_grad()
def sampling(given, device: torch.device) -> list[dict]:  # noqa: ANN001
    """One call of the network, as a sampler makes them."""
    config = shape(given.quick, given.batch, "adamw")
    model = prepared(config)[0].eval().to(device, torch.bfloat16)
    batch = config.training.batch_size
    context = model.context(["a red 7 moving left"] * batch)
    xt = torch.randn(batch, *model.latent_shape(config.data.num_frames), device=device)
    t = torch.full((batch,), 0.5, device=device)

    def call() -> Tensor:
        return model.x0_denoiser(context)(xt, t)

    works: dict[str, Callable[[], object]] = {"eager": call}
    if device.type == "cuda":
        call()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            call()
        works["CUDA graph"] = graph.replay
    seconds = in_turns({name: synchronised(work, device) for name, work in works.items()}, given.rounds)
    return [figure(f"network call, {name}, ms", [1000 * s for s in values]) for name, values in seconds.items()]


def main() -> None:
    given = arguments(__doc__, rounds=10, batch=16)
    device = fast_device()
    if device.type == "cpu" and not given.quick:
        raise SystemExit("there is no GPU here. Type: python benchmarks/gpu.py --quick, which only shows that it runs")
    torch.manual_seed(0)
    notes, figures = training(given, device)
    figures += sampling(given, device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "no GPU"
    write(given.out, "On a GPU", "python benchmarks/gpu.py", [name, *notes], figures)


if __name__ == "__main__":
    main()
