"""Moving shapes instead of digits."""

from ..data.config import shapes as shapes_data
from ..training.config import RunConfig
from .demo import demo


def shapes() -> RunConfig:
    """The demo's model on drawn shapes: an easier set, since a shape has fewer forms than a handwritten digit.

    Command: mutoscope train shapes --out runs/shapes
    """
    return demo().model_copy(update={"data": shapes_data()})
