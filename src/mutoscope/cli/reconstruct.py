"""`mutoscope reconstruct RUN CLIP`: a video file through a model's VAE, beside the original."""

import math
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from pydantic import Field

from ..config import Config
from .folders import check_writable, load_pipeline
from .parse import parse
from .progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float
    from torch import Tensor

    from ..model import VideoModel

DESCRIPTION = """Encode a video file and decode it again: original left, reconstruction right.

mutoscope reconstruct runs/demo clip.mp4"""
SHOWN_SIDE = 256  # pixels
PIECE = 1  # latent frames at a time
TILE = 64  # latent rows and columns at a time, beside what tiles must share

Side = Annotated[int, Field(ge=1, le=8192)]


class ReconstructOptions(Config):
    """Which model, which clip."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Run folder of a trained model, or `packaged` for the one inside the package."""
    clip: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CLIP")]
    """Video file: mp4, mkv, webm, avi, mov, gif, webp, png, jpg or npy; cropped and resized."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File to write (mp4, webm, gif, webp, png, npy); none = videos/CLIP-reconstruction.mp4."""
    frames: Annotated[int, Field(ge=1)] = 129
    """Frames read at most; as many of them are used as fit the VAE. mp4, webm and npy need no more memory for more."""
    size: Annotated[tuple[Side, Side] | None, tyro.conf.arg(metavar="HEIGHT WIDTH")] = None
    """Pixels; none = the model's own."""


def run(args: list[str]) -> int:
    """The verb."""
    options = parse(ReconstructOptions, args, "mutoscope reconstruct", DESCRIPTION)
    out = options.out or Path("videos") / f"{options.clip.stem}-reconstruction.mp4"
    check_writable(out.parent)
    check_format(out)
    import numpy as np
    import torch

    from ..evaluation.reconstruction import psnr, ssim
    from ..vae.config import PixelConfig
    from ..video.one_by_one import open_frames
    from ..video.pixels import to_uint8
    from ..video.write import VideoWriter

    with open_frames(options.clip, options.frames) as clip:
        model = load_pipeline(options.run).model
        if isinstance(model.config.vae, PixelConfig):
            raise ValueError(f"the model of {options.run} works on pixels: it has no VAE to send a clip through.")
        height, width = options.size or (model.config.height, model.config.width)
        scale = 1 if out.suffix.lower() in (".png", ".npy") else math.ceil(SHOWN_SIDE / height)
        each, quality = Counted(clip.each), []
        with Progress() as progress, VideoWriter(out, clip.fps, scale) as writer, torch.no_grad():
            for frames, rebuilt in reconstruct(model, pieces(model, each, height, width)):
                for real, made in zip(frames.split(1, dim=2), rebuilt.split(1, dim=2), strict=True):
                    writer.write(np.concatenate([to_uint8(real[0]), to_uint8(made[0])], axis=2))
                    quality.append((float(psnr(made, real)), float(ssim(made, real))))
                if progress.console.is_terminal:
                    progress.update("frames", len(quality), max(clip.count, len(quality)))
    print(f"{out}  {len(quality)} of {each.count} frames, {height}x{width}")
    print("PSNR {:.2f} dB  SSIM {:.4f}".format(*np.mean(quality, axis=0)))
    return 0


class Counted:
    """An iterator that knows how many it gave."""

    def __init__(self, each: "Iterator[np.ndarray]"):
        self._each, self.count = each, 0

    def __iter__(self) -> "Iterator[np.ndarray]":
        return self

    def __next__(self) -> "np.ndarray":
        item = next(self._each)
        self.count += 1
        return item


def check_format(out: Path) -> None:
    """Refuse a suffix that cannot be written, before anything is computed."""
    from ..video.write import FORMATS

    if out.suffix.lower().removeprefix(".") not in FORMATS:
        raise ValueError(f"{out} ends in {out.suffix or 'nothing'!r}; --out takes a file in: {', '.join(FORMATS)}.")


def pieces(
    model: "VideoModel", each: "Iterator[np.ndarray]", height: int, width: int
) -> "Iterator[Float[Tensor, '1 c _ H W']]":
    """A clip in this size and the model's channels, in pieces that its VAE can go on with; a rest is left out."""
    import torch

    from ..vae.config import VAEConfig
    from ..vae.model import frames_within, longest_clip
    from ..video.resize import fit_clip

    config = model.config.vae
    assert isinstance(config, VAEConfig)
    first, later = frames_within(config, PIECE), config.temporal_stride * PIECE
    read = list(islice(each, first))
    usable = longest_clip(config, len(read))
    while usable:
        frames = torch.cat([fit_clip(frame[None], 1, height, width) for frame in read[:usable]], dim=1)
        yield (frames.mean(0, keepdim=True) if config.channels == 1 else frames)[None]
        read = list(islice(each, later))
        usable = len(read) - len(read) % config.temporal_stride


def reconstruct(
    model: "VideoModel", pieces: "Iterator[Float[Tensor, '1 c _ H W']]"
) -> "Iterator[tuple[Float[Tensor, '1 c _ H W'], Float[Tensor, '1 c _ H W']]]":
    """Every piece of a clip beside what the VAE makes of it, at memory that grows neither with length nor with size."""
    from ..vae.config import VAEConfig
    from ..vae.network import receptive_radius
    from ..vae.tiling import tiling_of

    config = model.config.vae
    assert isinstance(config, VAEConfig)
    tiling = tiling_of(config, TILE + 2 * receptive_radius(config))
    given: deque[Tensor] = deque()

    def noted() -> Iterator["Tensor"]:
        for piece in pieces:
            given.append(piece)
            yield piece.to(model.dtype)

    for rebuilt in model.vae.decode_stream(model.vae.encode_stream(noted(), tiling), tiling):
        yield given.popleft(), rebuilt.float().clamp_(-1, 1)
