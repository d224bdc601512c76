"""One training step by several processes: PyTorch's DDP or FSDP2, put around a task's loss from outside.

The batch is that of the recipe, shared out, so the same recipe gives the same run with any number of processes. Models,
tasks and checkpoints know nothing of it: a checkpoint holds whole tensors and loads with any other number.
"""

import copy

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.nn.parallel import DistributedDataParallel

from ..processes import Processes
from .optim import BLOCK_LISTS
from .parts import part_like
from .task import Task


class TaskLoss(nn.Module):
    """A task's loss as a module: what PyTorch's engines can be put around."""

    def __init__(self, task: Task, modules: nn.ModuleDict):
        super().__init__()
        self.modules_of_loss = modules
        self._task = task

    def forward(self, first: int, stop: int) -> Tensor:
        """Loss of the examples first … stop - 1, (stop - first,)."""
        return self._task.loss(self.modules_of_loss, range(first, stop))


def replicated(loss: TaskLoss, processes: Processes) -> nn.Module:
    """The loss with gradients that are the mean over all processes, each of which has all weights (DDP)."""
    if processes.count == 1:
        return loss
    engine = DistributedDataParallel(loss)
    engine.register_comm_hook(processes.count, _mean_in_float32)
    return engine


def _mean_in_float32(
    count: int,
    bucket: distributed.GradBucket,  # pyright: ignore
) -> torch.futures.Future[Tensor]:
    """Gradients of a bfloat16 copy are added up in float32, as those of several micro-batches are."""
    total = bucket.buffer().float() / count
    summed = distributed.all_reduce(total, async_op=True).get_future()  # pyright: ignore
    return summed.then(lambda done: bucket.buffer().copy_(done.value()[0]))


def sharded(task: Task, dtype: torch.dtype) -> tuple[TaskLoss, nn.ModuleDict]:
    """The loss computed with a copy of the task's modules of which each process keeps a part (FSDP2), and that copy.

    Weights are gathered block by block when they are needed, in `dtype`; gradients are added up in float32.
    """
    modules = copy.deepcopy(task.modules)
    loss = TaskLoss(task, modules)
    mesh = init_device_mesh("cpu", (distributed.get_world_size(),))
    policy = MixedPrecisionPolicy(
        param_dtype=None if dtype == torch.float32 else dtype, reduce_dtype=torch.float32, cast_forward_inputs=False
    )
    for name, blocks in modules.named_modules():
        if isinstance(blocks, nn.ModuleList) and name.rpartition(".")[2] in BLOCK_LISTS:
            for block in blocks:
                fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(loss, mesh=mesh, mp_policy=policy)
    return loss, modules


def shard_like(modules: nn.ModuleDict, pattern: nn.ModuleDict) -> None:
    """Divide the parameters of a copy as those of `pattern` are; each process keeps its part."""
    for name, parameter in list(modules.named_parameters()):
        path, _, leaf = name.rpartition(".")
        part = part_like(parameter.detach(), pattern.get_parameter(name))
        if part is not parameter:
            setattr(modules.get_submodule(path), leaf, nn.Parameter(part, requires_grad=parameter.requires_grad))
