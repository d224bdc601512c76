"""`mutoscope reconstruct RUN CLIP`: a video file through a model's VAE, beside the original."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from pydantic import Field

from ..config import Config
from .folders import check_writable, load_pipeline
from .parse import parse

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from ..model import VideoModel

DESCRIPTION = """Encode a video file and decode it again: original left, reconstruction right.

mutoscope reconstruct runs/demo clip.mp4"""
SHOWN_SIDE = 256  # pixels


class ReconstructOptions(Config):
    """Which model, which clip."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Run folder of a trained model, or `packaged` for the one inside the package."""
    clip: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CLIP")]
    """Video file: mp4, mkv, webm, avi, mov, gif, webp, png, jpg or npy; cropped and resized to the model's size."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File to write (mp4, webm, gif, webp, png, npy); none = videos/CLIP-reconstruction.mp4."""
    frames: Annotated[int, Field(ge=1, le=1025)] = 129
    """Frames read at most; as many of them are used as fit the VAE."""


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
    from ..video.pixels import to_uint8
    from ..video.read import read_video
    from ..video.write import write_video

    clip = read_video(options.clip, options.frames)
    model = load_pipeline(options.run).model
    if isinstance(model.config.vae, PixelConfig):
        raise ValueError(f"the model of {options.run} works on pixels: it has no VAE to send a clip through.")
    frames = fit(model, clip.frames_u8)
    with torch.no_grad():
        rebuilt = model.decode(model.encode(frames))
    pair = np.concatenate([to_uint8(frames[0]), to_uint8(rebuilt[0])], axis=2)
    scale = 1 if out.suffix.lower() in (".png", ".npy") else math.ceil(SHOWN_SIDE / frames.shape[-2])
    write_video(out, pair, clip.fps, scale)
    print(f"{out}  {frames.shape[2]} of {len(clip.frames_u8)} frames, {frames.shape[-2]}x{frames.shape[-1]}")
    print(f"PSNR {psnr(rebuilt, frames).mean():.2f} dB  SSIM {ssim(rebuilt, frames).mean():.4f}")
    return 0


def check_format(out: Path) -> None:
    """Refuse a suffix that cannot be written, before anything is computed."""
    from ..video.write import FORMATS

    if out.suffix.lower().removeprefix(".") not in FORMATS:
        raise ValueError(f"{out} ends in {out.suffix or 'nothing'!r}; --out takes a file in: {', '.join(FORMATS)}.")


def fit(model: "VideoModel", frames_u8: "object") -> "Float[Tensor, '1 c F H W']":
    """The clip in the model's size and channels, as many frames from its start as fit its VAE."""
    import numpy as np

    from ..vae.model import longest_clip
    from ..video.resize import fit_clip

    assert isinstance(frames_u8, np.ndarray)
    config = model.config
    usable = longest_clip(config.vae, len(frames_u8))
    frames = fit_clip(frames_u8[:usable], usable, config.height, config.width)
    grey = frames.mean(0, keepdim=True)
    return (grey if config.vae.channels == 1 else frames)[None]
