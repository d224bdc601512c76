"""How the loss of a stage is computed: by several processes (PyTorch's DDP or FSDP2), compiled, with less memory.

All of it is put around a task's loss from outside; models, tasks and checkpoints know nothing of it. The batch is that
of the recipe, shared out, so the same recipe gives the same run with any number of processes, and a checkpoint, which
holds whole tensors, loads with any other number.
"""

import copy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from ..nn.precision import fast_device
from ..processes import ALONE, Processes
from .optim import BLOCK_LISTS
from .parts import part_like
from .task import Task


@dataclass(frozen=True)
class Engine:
    """How a run is computed; none of it is part of what is computed, so it may change when a run goes on.

    ValueError where weights shall be sharded and there is nobody to share them with.
    """

    processes: Processes = ALONE
    fsdp: bool = False
    """Each process keeps a part of weights, gradients and optimizer states (FSDP2), not all of them (DDP)."""
    recompute: bool = False
    """Blocks keep only their inputs and are computed again on the way back (Chen et al. 2016, arXiv:1604.06174)."""
    compile: bool = False
    """Blocks go through torch.compile."""

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return fast_device()

    def __post_init__(self) -> None:
        if self.fsdp and self.processes.count == 1:
            raise ValueError("--fsdp needs several processes. Type: torchrun --nproc-per-node 2 -m mutoscope …")


PLAIN = Engine()


class TaskLoss(nn.Module):
    """A task's loss as a module: what PyTorch's engines can be put around."""

    def __init__(self, task: Task, modules: nn.ModuleDict):
        super().__init__()
        self.modules_of_loss = modules
        self._task = task

    def forward(self, first: int, stop: int) -> Tensor:
        """Loss of the examples first … stop - 1, (stop - first,)."""
        return self._task.loss(self.modules_of_loss, range(first, stop))


def blocks_of(modules: nn.ModuleDict) -> list[nn.Module]:
    """The blocks that networks are made of."""
    lists = [module for name, module in modules.named_modules() if name.rpartition(".")[2] in BLOCK_LISTS]
    return [block for blocks in lists for block in blocks.children()]


def prepare_blocks(modules: nn.ModuleDict, engine: Engine) -> None:
    """Let the blocks be computed as the engine says, in place; weights and their names stay."""
    for block in blocks_of(modules):
        if engine.recompute:  # nothing is drawn inside blocks, so there is no random state to put back
            block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
        if engine.compile:
            block.compile()


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


def sharded(task: Task, dtype: torch.dtype, engine: Engine) -> tuple[TaskLoss, nn.ModuleDict]:
    """The loss computed with a copy of the task's modules of which each process keeps a part (FSDP2), and that copy.

    Weights are gathered block by block when they are needed, in `dtype`; gradients are added up in float32.
    """
    modules = copy.deepcopy(task.modules)
    loss = TaskLoss(task, modules)
    prepare_blocks(modules, engine)
    mesh = init_device_mesh(engine.device.type, (distributed.get_world_size(),))
    policy = MixedPrecisionPolicy(
        param_dtype=None if dtype == torch.float32 else dtype, reduce_dtype=torch.float32, cast_forward_inputs=False
    )
    for block in blocks_of(modules):
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
