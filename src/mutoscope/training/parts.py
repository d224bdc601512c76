"""Tensors of which every process keeps a part (torch's DTensor), and plain ones, by the same calls."""

from typing import Any

from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor


def part_like(value: Any, pattern: Tensor) -> Any:
    """A whole tensor divided as `pattern` is, without communication; anything else, also one in parts, as it is."""
    if not isinstance(value, Tensor) or isinstance(value, DTensor) or not isinstance(pattern, DTensor):
        return value
    if value.shape != pattern.shape:
        return value
    return distribute_tensor(value, pattern.device_mesh, pattern.placements, src_data_rank=None)


def whole(tensor: Tensor) -> Tensor:
    """All parts of a divided tensor; every process must ask. Another one as it is."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def own_part(tensor: Tensor) -> Tensor:
    """What this process keeps of a tensor: memory shared with it."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
