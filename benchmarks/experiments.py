"""The open questions of the tutorial series, each one comparison: docs/experiments.md is made of what this prints.

Command: python benchmarks/experiments.py [NAME ...] [--out runs/experiments]

Every experiment is a `mutoscope compare` on the tutorial's set, whose command is printed with its table; runs that are
there already are reused. `guidance` and `length` sample from one model instead.
"""

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from mutoscope.data.config import disc
from mutoscope.evaluation.quick import quick_adherence
from mutoscope.pipeline import GenerateRequest, Pipeline, generate
from mutoscope.samplers.config import SamplingConfig

PROMPTS = 100
BASE = "disc_dit"
FLOPS = "7e12"  # of training, VAE included: too few to learn everything, so that what learns faster shows


@dataclass(frozen=True)
class Experiment:
    """A question, and what is compared to answer it."""

    question: str
    entries: tuple[str, ...]


EXPERIMENTS = {
    "process": Experiment(
        "DDPM against flow, at equal compute",
        (
            BASE,
            f"{BASE} --diffusion.path cosine",
            f"{BASE} --diffusion.path ddpm --diffusion.zero-terminal-snr",
            f"{BASE} --diffusion.path ddpm --diffusion.prediction epsilon",
            f"{BASE} --diffusion.prediction x0",
        ),
    ),
    "times": Experiment(
        "Where timesteps are drawn and sampled",
        (
            BASE,
            f"{BASE} --diffusion.timestep-mean 0 --diffusion.timestep-std 1 --diffusion.shift 1",
            f"{BASE} --diffusion.timestep-mean 0 --diffusion.timestep-std 1 --diffusion.shift 3",
        ),
    ),
    "patch": Experiment(
        "Smaller and larger patches",
        (
            BASE,
            f"{BASE} --denoiser.patch 1 1 1",
            f"{BASE} --denoiser.patch 1 4 4",
            f"{BASE} --denoiser.patch 2 4 4",
        ),
    ),
    "attention": Experiment(
        "Joint, factorised and block-causal attention",
        (BASE, f"{BASE} --denoiser.attention factorised", f"{BASE} --denoiser.attention block_causal"),
    ),
    "conditioning": Experiment(
        "How text, place and time reach the transformer",
        (
            BASE,
            f"{BASE} --denoiser.no-cross-attention",
            f"{BASE} --denoiser.positions learned",
            f"{BASE} --denoiser.modulation shared",
        ),
    ),
    "dropout": Experiment(
        "How often the caption is left out in training",
        (BASE, f"{BASE} --diffusion.caption-dropout 0", f"{BASE} --diffusion.caption-dropout 0.3"),
    ),
    "kl": Experiment(
        "A larger weight of the KL term",
        (BASE, f"{BASE} --vae.kl-weight 1e-6", f"{BASE} --vae.kl-weight 1e-2", f"{BASE} --vae.kl-weight 0.1"),
    ),
    "time": Experiment(
        "Temporal compression: 8 frames to 8 (frame by frame), 4 and 2 latent frames",
        (
            BASE,
            f"{BASE} --vae.temporal-stride 1 --vae.no-memory",
            f"{BASE} --vae.temporal-stride 4",
        ),
    ),
    "regularisers": Experiment(
        "Scale equivariance and latent masking",
        (BASE, f"{BASE} --vae.scale-share 0.25", f"{BASE} --vae.mask-share 0.3"),
    ),
}


def compare(name: str, experiment: Experiment, out: Path) -> None:
    words = ["compare", *experiment.entries, "--flops", FLOPS, "--prompts", str(PROMPTS), "--snapshots", "0"]
    print(f"\n## {experiment.question}\n\n    mutoscope {shlex.join(words)}\n", flush=True)
    subprocess.run([sys.executable, "-m", "mutoscope", *words, "--out", str(out)], check=False)
    for written in ("compare.json", "compare.html"):  # all experiments share the folder, and with it their base
        (out / written).rename(out / f"{name}{Path(written).suffix}")
    found = json.loads((out / f"{name}.json").read_text())
    print("\n| entry | direction right | area right | VAE PSNR | diffusion steps | s trained | ms per video |")
    print("|---|---|---|---|---|---|---|")
    for entry in found["entries"]:
        adherence = entry["adherence"]
        psnr = "" if entry["vae_psnr"] is None else f"{entry['vae_psnr']:.1f} dB"
        seconds = entry["encode_seconds"] + sum(stage["seconds"] for stage in entry["stages"].values())
        print(
            f"| `{entry['name']}` | {share(adherence['all_correct'])} | {share(adherence['area'])} | {psnr} | "
            f"{entry['stages']['diffusion']['steps']} | {seconds:.0f} | {entry['ms_per_video']['value']:.1f} |"
        )
    for failure in found["failures"]:
        print(f"\n{failure['name']} failed: {failure['reason']}")


def share(measured: dict[str, float]) -> str:
    low, high = 100 * measured["low"], 100 * measured["high"]
    return f"{100 * measured['value']:.0f} % ({low:.0f} to {high:.0f})"


def guidance(run: Path, scales: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)) -> None:
    """One model, sampled with several guidance scales and every way to combine the estimates."""
    print(f"\n## Guidance\n\nOf {run}, {PROMPTS} prompts:\n\n| guidance | scale | direction right | area right |")
    print("|---|---|---|---|")
    model = Pipeline.load(run).model
    for method in ("classifier_free", "cfg_zero_star"):
        for scale in scales:
            sampling = SamplingConfig.model_validate(
                model.config.sampling.model_dump() | {"guidance": method, "guidance_scale": scale}
            )

            def make(prompts: list[str], seeds: list[int], sampling: SamplingConfig = sampling) -> torch.Tensor:
                return generate(model, GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), sampling=sampling))

            found = quick_adherence(disc(), make, PROMPTS, 0, run.parent / "cache")
            area = share(found.area.model_dump()) if found.area else ""
            print(f"| {method} | {scale:g} | {share(found.all_correct.model_dump())} | {area} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*EXPERIMENTS, "guidance")))
    parser.add_argument("--out", type=Path, default=Path("runs/experiments"))
    options = parser.parse_args()
    for name in options.names or (*EXPERIMENTS, "guidance"):
        if name == "guidance":
            guidance(options.out / BASE)
        else:
            compare(name, EXPERIMENTS[name], options.out)


if __name__ == "__main__":
    main()
