"""What larger models and more processes need, computed: parameters, memory, arithmetic, communication, data.

Command: python benchmarks/scaling.py [--flops-per-s 4e14] [--out scaling.json]

The models are built on the meta device, so nothing is allocated, and their operations are counted, not estimated. What
a processor achieves is assumed: --flops-per-s, of one GPU, model arithmetic only. Nothing of this was run.
"""

import argparse
import json
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.denoisers.config import DiTConfig
from mutoscope.denoisers.dit import DiT
from mutoscope.training.optim import BLOCK_LISTS
from mutoscope.types import Context

CHANNELS, CONTEXT_DIM, WORDS = 16, 512, 77
LATENTS = (16, 16, 16)  # frames, rows, columns: 61 frames of 128 x 128 at strides 4, 8, 8
SIZES = {
    "300 M": DiTConfig(patch=(1, 2, 2), model_dim=1024, num_heads=16, depth=14),
    "1 B": DiTConfig(patch=(1, 2, 2), model_dim=1536, num_heads=24, depth=24),
    "7 B": DiTConfig(patch=(1, 2, 2), model_dim=3072, num_heads=48, depth=36),
}
GPUS = (1, 8, 64, 1000)
CLIPS_PER_GPU = 8
FLOAT32, BFLOAT16 = 4, 2


def built(config: DiTConfig) -> DiT:
    """The network without memory behind it."""
    with torch.device("meta"):
        return DiT(config, CHANNELS, CONTEXT_DIM)


def step_flops(network: DiT, clips: int) -> int:
    """Operations of a forward and backward pass over so many clips, matrix products only."""
    with torch.device("meta"):
        context = Context(
            tokens=torch.empty(clips, WORDS, CONTEXT_DIM),
            mask=torch.empty(clips, WORDS, dtype=torch.bool),
        )
        xt, t = torch.empty(clips, CHANNELS, *LATENTS), torch.empty(clips)
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            network(xt, t, context).sum().backward()
    return counter.get_total_flops()


def weights_gb(parameters: int, block: int, gpus: int, sharded: bool) -> float:
    """Weights, gradients, Muon's or AdamW's state (one and two tensors: two counted) and averages, in float32.

    DDP adds a bfloat16 copy with its gradients; FSDP2 the bfloat16 weights of two blocks, the one in use and the next.
    """
    kept = parameters * (1 + 1 + 2 + 1) * FLOAT32
    return (kept / gpus + 2 * block * BFLOAT16 if sharded else kept + 2 * parameters * BFLOAT16) / 1e9


def plan(name: str, rate: float) -> dict:
    """One model."""
    network = built(SIZES[name])
    parameters = sum(p.numel() for p in network.parameters())
    block = max(
        sum(p.numel() for p in child.parameters())
        for path, blocks in network.named_modules()
        if path in BLOCK_LISTS
        for child in blocks.children()
    )
    tokens = LATENTS[0] * (LATENTS[1] // 2) * (LATENTS[2] // 2)
    flops = step_flops(network, 1) * CLIPS_PER_GPU
    # What a block keeps for the way back: about 34 bytes per token and channel where attention is fused (Korthikanti
    # et al. 2022, arXiv:2205.05198, eq. 2 without its attention scores); recomputed, its input in bfloat16 alone.
    channels = SIZES[name].model_dim * SIZES[name].depth * tokens * CLIPS_PER_GPU
    activations = {"kept": 34 * channels / 1e9, "recomputed": BFLOAT16 * channels / 1e9}
    seconds = flops / rate
    rows = []
    for gpus in GPUS:
        rows.append(
            {
                "gpus": gpus,
                "ddp_gb": weights_gb(parameters, block, gpus, False),
                "fsdp_gb": weights_gb(parameters, block, gpus, True),
                "batch": CLIPS_PER_GPU * gpus,
                # Ring all-reduce: 2 (n - 1) / n of the gradients; FSDP2: weights gathered twice, gradients scattered.
                "ddp_gb_per_s": 2 * (gpus - 1) / gpus * parameters * BFLOAT16 / seconds / 1e9,
                "fsdp_gb_per_s": (gpus - 1) / gpus * parameters * (2 * BFLOAT16 + FLOAT32) / seconds / 1e9,
                "latents_mb_per_s": gpus * CLIPS_PER_GPU / seconds * CHANNELS * 16**3 * FLOAT32 / 1e6,
                "clips_per_s": gpus * CLIPS_PER_GPU / seconds,
            }
        )
    return {
        "name": name,
        "parameters": parameters,
        "tokens": tokens,
        "flops_per_step": flops,
        "seconds_per_step": seconds,
        "activations_gb": activations,
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flops-per-s", type=float, default=4e14, help="of one GPU, model arithmetic only")
    parser.add_argument("--out", type=Path, help="write the numbers as JSON")
    args = parser.parse_args()
    plans = [plan(name, args.flops_per_s) for name in SIZES]
    for one in plans:
        activations = one["activations_gb"]
        print(
            f"\n{one['name']}: {one['parameters'] / 1e6:,.0f} M parameters, {one['tokens']:,} tokens; "
            f"{CLIPS_PER_GPU} clips per GPU: {one['flops_per_step'] / 1e12:,.0f} TFLOP, "
            f"{one['seconds_per_step']:.2f} s; activations {activations['kept']:.0f} GB, "
            f"recomputed {activations['recomputed']:.1f} GB"
        )
        print("| GPUs | batch | weights etc., DDP | FSDP2 | sent per GPU, DDP | FSDP2 | clips/s | latents read |")
        print("|---|---|---|---|---|---|---|---|")
        for row in one["rows"]:
            print(
                f"| {row['gpus']:,} | {row['batch']:,} | {row['ddp_gb']:.1f} GB | {row['fsdp_gb']:.1f} GB | "
                f"{row['ddp_gb_per_s']:.1f} GB/s | {row['fsdp_gb_per_s']:.1f} GB/s | {row['clips_per_s']:,.0f} | "
                f"{row['latents_mb_per_s']:,.0f} MB/s |"
            )
    if args.out:
        args.out.write_text(json.dumps(plans, indent=1))


if __name__ == "__main__":
    main()
