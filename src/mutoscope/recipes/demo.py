"""The ten-minute recipe behind `make demo`."""

from ..training.config import RunConfig


def demo() -> RunConfig:
    """Text to moving digits in minutes.

    Command: mutoscope train demo --out runs/demo
    """
    return RunConfig()
