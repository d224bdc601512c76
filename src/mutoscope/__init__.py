"""Mutoscope: train and run your own text-to-video model, from random weights, on your own captioned clips.

>>> model = mutoscope.load("runs/demo")
>>> video = model.generate("a red 7 moving left", seed=0)  # uint8 (frames, height, width, 3)
>>> mutoscope.write_video("red7.mp4", video, fps=8)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.5.0"

if TYPE_CHECKING:
    from .pipeline import Pipeline
    from .training.run import train
    from .video.read import read_video
    from .video.write import write_video

    load = Pipeline.load

# Imported when first used, so that `mutoscope --help` answers without loading torch.
_HOMES = {
    "Pipeline": ("pipeline", "Pipeline"),
    "train": ("training.run", "train"),
    "read_video": ("video.read", "read_video"),
    "write_video": ("video.write", "write_video"),
}
__all__ = ["Pipeline", "load", "read_video", "train", "write_video"]


def __getattr__(name: str) -> Any:
    if name == "load":
        return __getattr__("Pipeline").load
    if name not in _HOMES:
        raise AttributeError(f"module 'mutoscope' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f".{module}", __name__), attribute)
