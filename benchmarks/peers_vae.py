"""Encoding and decoding with our video VAE and with diffusers' CogVideoX and Wan VAEs of equal size, in turns.

Command: python benchmarks/peers_vae.py [--rounds 9] [--batch 4]

Spatial stride 8, temporal stride 4, 16 channels (the recipe `clips`); the peers' widths are chosen so that their
decoders have about as many parameters as ours. Clips of 17 frames of 64 x 64; each in float32 and in bfloat16, of
which the faster one counts, for ours as well.
"""

from collections.abc import Callable

import torch
from shapes import millions
from timing import arguments, figure, in_turns, ratios, write
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.recipes.clips import clips
from mutoscope.vae.build import build_autoencoder
from mutoscope.vae.config import VAEConfig
from mutoscope.vae.model import VideoVAE, latent_shape

TARGET, NUM_FRAMES = 2.0, 17
GROUPS = 2  # of CogVideoX's normalisation, so that small widths are possible


def cogvideox(width: int) -> nn.Module:
    from diffusers import AutoencoderKLCogVideoX

    widths = tuple(width * k for k in (1, 2, 2, 4))
    return AutoencoderKLCogVideoX(block_out_channels=widths, latent_channels=16, norm_num_groups=GROUPS)  # pyright: ignore


def wan(width: int) -> nn.Module:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(base_dim=width, z_dim=16)


def size_of(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def of_size(build: Callable[[int], nn.Module], parameters: int) -> nn.Module:
    """With the width whose decoder comes nearest to so many parameters."""
    found = [build(width) for width in range(GROUPS, 17, GROUPS)]
    return min(found, key=lambda peer: abs(size_of(peer.decoder) - parameters)).eval()  # pyright: ignore


def gflop(work: Callable[[], object]) -> str:
    with FlopCounterMode(display=False) as counter:
        work()
    return f"{counter.get_total_flops() / 1e9:.1f} GFLOP"


def networks() -> dict[str, Callable[[], nn.Module]]:
    """Ours, and the peers with about as many parameters in their decoders."""
    config = clips().vae
    vae = build_autoencoder(config)
    assert isinstance(vae, VideoVAE)
    wanted = size_of(vae.decoder)
    return {
        "ours": lambda: build_autoencoder(config).eval(),
        "CogVideoX": lambda: of_size(cogvideox, wanted),
        "Wan": lambda: of_size(wan, wanted),
    }


def measure(direction: str, rounds: int, batch: int, size: int) -> tuple[str, list[dict]]:
    """direction: encode or decode."""
    config, made = clips().vae, networks()
    assert isinstance(config, VAEConfig)
    shape = (config.channels, NUM_FRAMES, size, size)
    given = torch.randn(batch, *(shape if direction == "encode" else latent_shape(config, *shape[1:])))
    works: dict[str, Callable[[], object]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        for who, make in made.items():
            network = make().to(dtype)
            works[f"{who}, {str(dtype).removeprefix('torch.')}"] = called(network, direction, given.to(dtype))
    seconds = in_turns(works, rounds)
    middle = {name: sorted(values)[rounds // 2] for name, values in seconds.items()}
    best = {who: min((n for n in works if n.startswith(who)), key=lambda n: middle[n]) for who in made}
    told = [
        f"{who} {millions(getattr(make(), direction + 'r'))}, {gflop(works[f'{who}, float32'])}"
        for who, make in made.items()
    ]
    frames = batch * NUM_FRAMES
    figures = [
        figure(f"{direction}: {name}, frames/s", [frames / s for s in values]) for name, values in seconds.items()
    ]
    target = TARGET if direction == "decode" else None
    for who in ("CogVideoX", "Wan"):
        times = ratios(seconds[best[who]], seconds[best["ours"]])
        figures.append(figure(f"{direction}: ours / {who}, frames per second", times, target))
    return f"{direction}: {'; '.join(told)}; {batch} clips of {NUM_FRAMES} frames, {size} x {size}", figures


def called(network: nn.Module, direction: str, given: torch.Tensor) -> Callable[[], object]:
    return torch.no_grad()(lambda: getattr(network, direction)(given))


def main() -> None:
    given = arguments(__doc__, rounds=9, batch=4)
    torch.manual_seed(0)
    found = [measure(what, given.rounds, given.batch, 16 if given.quick else 64) for what in ("decode", "encode")]
    notes, figures = [note for note, _ in found], [line for _, lines in found for line in lines]
    notes.append("ours works on a grid of a quarter of the rows and columns throughout; theirs also at full resolution")
    write(given.out, "VAE against diffusers", "python benchmarks/peers_vae.py", notes, figures)


if __name__ == "__main__":
    main()
