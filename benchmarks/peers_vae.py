"""Decoding with our video VAE and with diffusers' CogVideoX and Wan VAEs of equal size and compression, in turns.

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


def measure(rounds: int, batch: int, size: int, num_frames: int) -> tuple[list[str], list[dict]]:
    config = clips().vae
    assert isinstance(config, VAEConfig)
    vae = build_autoencoder(config).eval()
    assert isinstance(vae, VideoVAE)
    peers = {"CogVideoX": of_size(cogvideox, size_of(vae.decoder)), "Wan": of_size(wan, size_of(vae.decoder))}
    latents = torch.randn(batch, *latent_shape(config, num_frames, size, size))
    shapes: dict[str, tuple[int, ...]] = {}
    works: dict[str, Callable[[], object]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        kind = str(dtype).removeprefix("torch.")
        ours, here = build_autoencoder(config).eval().to(dtype), latents.to(dtype)
        works[f"ours, {kind}"] = torch.no_grad()(lambda ours=ours, here=here: ours.decode(here))
        for name in peers:
            copy = of_size(cogvideox if name == "CogVideoX" else wan, size_of(vae.decoder)).to(dtype)
            works[f"{name}, {kind}"] = torch.no_grad()(lambda copy=copy, here=here: copy.decode(here).sample)
    for name, work in works.items():
        shapes[name] = tuple(work().shape)  # pyright: ignore
    assert len(set(shapes.values())) == 1, shapes
    seconds = in_turns(works, rounds)
    middle = {name: sorted(values)[rounds // 2] for name, values in seconds.items()}
    best = {who: min((n for n in works if n.startswith(who)), key=lambda n: middle[n]) for who in ("ours", *peers)}
    decoders = {"ours": vae.decoder} | {name: peer.decoder for name, peer in peers.items()}
    told = [f"{who} {millions(part)}, {gflop(works[f'{who}, float32'])}" for who, part in decoders.items()]
    note = (
        f"decoders: {'; '.join(told)}; {batch} clips of {num_frames} frames, {size} x {size}. Ours works on a grid of "
        "a quarter of the rows and columns throughout; theirs end at full resolution"
    )
    frames = batch * num_frames
    figures = [figure(f"{name}, frames/s", [frames / s for s in values]) for name, values in seconds.items()]
    figures += [
        figure(f"ours / {name}, frames per second", ratios(seconds[best[name]], seconds[best["ours"]]), TARGET)
        for name in peers
    ]
    return [note], figures


def main() -> None:
    given = arguments(__doc__, rounds=9, batch=4)
    torch.manual_seed(0)
    notes, figures = measure(given.rounds, given.batch, 16 if given.quick else 64, NUM_FRAMES)
    write(given.out, "VAE decoding against diffusers", "python benchmarks/peers_vae.py", notes, figures)


if __name__ == "__main__":
    main()
