"""`--first-frame`, `--continue` and `--between`: files of pictures and clips, to frames of a model's size."""

from pathlib import Path
from typing import TYPE_CHECKING

from .parse import say

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ..pipeline import Pipeline
    from .generate import GenerateOptions


def check_given(options: "GenerateOptions") -> None:
    """Refuse options that exclude each other, and files that are not there, before anything loads."""
    given = {
        "--first-frame": options.first_frame,
        "--continue": options.continue_from,
        "--between": options.between or (),
    }
    used = [name for name, files in given.items() if files]
    if len(used) > 1:
        raise ValueError(f"{' and '.join(used)} say different things about how a video begins. Leave one of them out.")
    for name in ("--first-frame", "--continue"):
        if (number := len(given[name])) not in (0, 1, len(options.prompts)):
            raise ValueError(
                f"{name} got {number} files for {len(options.prompts)} prompts. Give one for all, or one per prompt."
            )
    for path in (path for files in given.values() for path in files):
        if " " in str(path) and not path.exists():
            raise ValueError(f"{used[0]}: {path} does not exist. If it is a prompt, put prompts before {used[0]}.")
        _check_there(path, pictures="--continue" not in used)


def _check_there(path: Path, pictures: bool) -> None:
    from ..video.read import check_file

    if pictures or not path.is_dir():  # a folder of frames is a clip
        check_file(path)


def read_given(
    pipeline: "Pipeline", options: "GenerateOptions", size: tuple[int, int]
) -> "tuple[Tensor | None, Tensor | None]":
    """What the videos begin with (one for all or one each) and end with, cropped and resized to (height, width)."""
    from ..video.read import read_video

    def picture(path: Path) -> "Tensor":
        return _fit(pipeline, path, read_video(path, max_frames=1).frames_u8, size)

    if options.between is not None:
        first, last = options.between
        return picture(first), picture(last)
    if options.first_frame:
        return _stack([picture(path) for path in options.first_frame]), None
    if options.continue_from:
        return _stack([_clip(pipeline, path, size) for path in options.continue_from]), None
    return None, None


def _clip(pipeline: "Pipeline", path: Path, size: tuple[int, int]) -> "Tensor":
    """The end of a clip at the model's frame rate, as much of it as the model was trained on."""
    from ..video.tail import read_tail

    config = pipeline.model.config
    return _fit(pipeline, path, read_tail(path, config.num_frames, config.fps), size)


def _fit(pipeline: "Pipeline", path: Path, frames_u8: "np.ndarray", size: tuple[int, int]) -> "Tensor":
    height, width = frames_u8.shape[1:3]
    if (height, width) != size:
        say(f"note: {path} is {height}x{width}; the middle of it is used, resized to {size[0]}x{size[1]}.")
    return pipeline.fit(frames_u8, size)


def _stack(clips: "list[Tensor]") -> "Tensor":
    """One batch; of clips of different lengths, as much of each one's end as the shortest has."""
    import torch

    shortest = min(clip.shape[2] for clip in clips)
    return torch.cat([clip[:, :, -shortest:] for clip in clips])
