"""VAE, patches, tokens, and back.

The VAE makes latents of the clip, the latents are cut into patches, and each patch becomes one token: that is all the
transformer ever sees. Move along the tokens. What is bright is what the token stands for, in the clip and in the
latents. The last picture shows what goes missing when this one token is silent: its numbers replaced by 0. It reaches
beyond the bright place, because the decoder looks around, and into later frames, because it remembers.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ...denoisers.dit import DiT
from ...evaluation.reconstruction import psnr
from ...evaluation.vae_strip import DIFFERENCE_GAIN, VaeStrip, vae_strip
from ...model import VideoModel
from ...nn.patch import Patch, patchify, unpatchify
from ...pipeline import Pipeline
from ...vae.config import VAEConfig
from ...vae.model import frame_places, frames_within
from ..figure import Asked, Drawn, Position, Tell, as_bytes, clip_of

SLIDER = "token"
ASKS = "clip"
READ = ("3_latents_and_text", "Patches become tokens")
DIM = 0.35  # how bright is what the token does not stand for
CHUNK = 16  # clips that are decoded together


@dataclass(frozen=True)
class Block:
    """A box of a video: frames, rows, columns."""

    frames: slice
    rows: slice
    columns: slice

    def __str__(self) -> str:
        axes = (("frame", self.frames), ("row", self.rows), ("column", self.columns))
        return ", ".join(_span(name, along) for name, along in axes)


@torch.no_grad()
def draw(pipeline: Pipeline, asked: Asked, tell: Tell) -> Drawn:
    """Every token of a clip: where it is, and what is lost without it."""
    model, (frames, caption) = pipeline.model, clip_of(asked.number)
    network, config, strip = model.denoiser, model.config.vae, vae_strip(model, frames)
    assert isinstance(network, DiT) and isinstance(config, VAEConfig) and strip is not None  # of the packaged model
    latents = torch.from_numpy(strip.latents)[None]
    grid, patch = network.grid(latents.shape), network.config.patch
    tokens = patchify(latents, patch)  # (1, n, k)
    rebuilt = model.decode(latents).cpu()
    losses = _losses(model, tokens, rebuilt, grid, patch, tell)
    exact = torch.equal(unpatchify(tokens, grid, patch), latents)
    story = (
        f"In all: {frames.numel():,} numbers of the clip → {latents.numel():,} latents → {tokens.shape[1]} tokens of "
        f"{tokens.shape[2]} numbers, each made {network.config.model_dim} wide. Back: tokens → latents "
        f"{'exactly' if exact else 'not exactly'}; latents → clip {float(psnr(rebuilt, frames).mean()):.1f} dB."
    )
    mosaics = np.stack([strip.mosaic(place) for place in frame_places(config, frames.shape[2])])
    (whole,) = as_bytes(rebuilt)
    positions = []
    for token, lost in enumerate(losses):
        latent, pixel = block_of(token, grid, patch, config)
        positions.append(
            Position(
                str(token + 1),
                f"Token {token + 1} is the latents of {latent}; it stands for {pixel} of the clip. {story}",
                (_lit(strip.frames_u8, pixel), _lit_channels(mosaics, strip, pixel.frames, latent), whole, lost),
            )
        )
    captions = (
        f"“{caption}”: what the token stands for", f"its {latents.shape[1]} latent channels", "back from all tokens",
        f"missing without it, {DIFFERENCE_GAIN} times",
    )  # fmt: skip
    return Drawn(captions, model.config.fps, tuple(positions), begin=int(np.argmax([lost.sum() for lost in losses])))


def block_of(token: int, grid: Patch, patch: Patch, config: VAEConfig) -> tuple[Block, Block]:
    """What a token stands for: in the latents, and in the clip."""
    f, h, w = (int(place) for place in np.unravel_index(token, grid))
    pf, ph, pw = patch
    latent = Block(slice(f * pf, (f + 1) * pf), slice(h * ph, (h + 1) * ph), slice(w * pw, (w + 1) * pw))
    begin = frames_within(config, latent.frames.start) if f else 0
    rows, columns = (
        slice(along.start * config.spatial_stride, along.stop * config.spatial_stride)
        for along in (latent.rows, latent.columns)
    )
    return latent, Block(slice(begin, frames_within(config, latent.frames.stop)), rows, columns)


def _span(name: str, along: slice) -> str:
    last = along.stop - 1
    return f"{name} {last}" if along.start == last else f"{name}s {along.start} to {last}"


def _losses(
    model: VideoModel,
    tokens: Float[Tensor, "1 n k"],
    rebuilt: Float[Tensor, "1 c F H W"],
    grid: Patch,
    patch: Patch,
    tell: Tell,
) -> list[UInt8[np.ndarray, "F H W 3"]]:
    """By token: how far the decoded clip is from itself when that token is 0. Black is nowhere."""
    num = tokens.shape[1]
    silent = tokens.repeat(num, 1, 1)
    silent[torch.arange(num), torch.arange(num)] = 0
    found: list[UInt8[np.ndarray, "F H W 3"]] = []
    for part in silent.split(CHUNK):
        away = (model.decode(unpatchify(part, grid, patch)).cpu() - rebuilt).abs()
        found += as_bytes((DIFFERENCE_GAIN * away - 1).clamp(-1, 1))
        tell(len(found), num)
    return found


def _lit(frames_u8: UInt8[np.ndarray, "F H W 3"], block: Block) -> UInt8[np.ndarray, "F H W 3"]:
    """A floor of grey under what is dark, so that the block shows on black, too."""
    light = np.full(frames_u8.shape[:3], DIM, np.float32)
    light[block.frames, block.rows, block.columns] = 1
    floor = np.where(light == 1, 48, 0)[..., None]
    return np.maximum(frames_u8 * light[..., None], floor).astype(np.uint8)


def _lit_channels(
    mosaics: UInt8[np.ndarray, "F h w"], strip: VaeStrip, frames: slice, block: Block
) -> UInt8[np.ndarray, "F h w 3"]:
    """Every channel's tile, bright where the token is."""
    rows, columns = strip.latents.shape[2:]
    tile = np.full((rows, columns), DIM, np.float32)
    tile[block.rows, block.columns] = 1
    light = np.full(mosaics.shape, DIM, np.float32)
    light[frames] = np.tile(tile, (mosaics.shape[1] // rows, mosaics.shape[2] // columns))
    return np.repeat((mosaics * light).astype(np.uint8)[..., None], 3, axis=-1)
