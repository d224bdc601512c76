"""The recipe of the model that ships inside the package."""

from ..training.config import RunConfig


def packaged() -> RunConfig:
    """The shipped model.

    Command: mutoscope train packaged --out runs/packaged
    """
    return RunConfig()
