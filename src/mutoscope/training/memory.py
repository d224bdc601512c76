"""What a training step keeps in memory, and which settings help where it is too much."""

import copy
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from ..memory import OutOfMemory, is_out_of_memory, memory_bytes
from ..vae.model import latent_shape
from ..words import size
from .config import RunConfig, StageConfig
from .distributed import PLAIN, Engine, blocks_of, prepare_blocks
from .task import Task

SECTIONS = {"vae": "vae-training", "adversarial": "vae-training", "diffusion": "training"}
"""Where the options of a stage are found."""
STATES = 5
"""Float32 numbers per parameter: master weight, gradient, average and, for most, two of the optimizer's."""


@contextmanager
def explained(task: Task, stage: StageConfig, config: RunConfig, engine: Engine = PLAIN) -> Iterator[None]:
    """Where the body runs out of memory: OutOfMemory with the settings that help, and by how much."""
    told = None
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold what was in the way
        told = error
    if told is not None:
        raise OutOfMemory(message(task, stage, config, engine)) from told


def message(task: Task, stage: StageConfig, config: RunConfig, engine: Engine) -> str:
    """What was too much, and what helps; by how much is measured with one example."""
    parameters = sum(p.numel() for p in task.modules.parameters())
    where = f"not enough memory for the {task.name} stage"
    if found := memory_bytes():
        where += f" (this machine: {size(found[0])}, {size(found[1])} free now)"
    try:
        kept = bytes_per_example(task, task.modules)
        blocks = copy.deepcopy(task.modules)
        prepare_blocks(blocks, Engine(recompute=True))
        recomputed = bytes_per_example(task, blocks)
    except (MemoryError, RuntimeError):
        return f"{where}, not even for one clip. Use smaller --data.height and --data.width or --data.num-frames."
    batch = stage.batch_size // engine.processes.count
    lines = [
        f"{where}: {batch} clips keep {size(batch * kept)} in float32 for the way back, weights and their states "
        f"{size(STATES * 4 * parameters)}. What helps, and by about how much:"
    ]
    section = SECTIONS[task.name]
    if stage.batch_size > 1:
        half = stage.batch_size // 2
        option = f"--{section}.batch-size {half} --{section}.grad-accum {2 * stage.grad_accum}"
        lines.append(f"{option} ({size(kept * batch // 2)} less, the same result)")
    if task.name == "diffusion" and not engine.recompute and blocks_of(task.modules) and recomputed < kept:
        lines.append(f"--recompute ({size(batch * (kept - recomputed))} less, the same result, slower)")
    if stage.precision != "bfloat16":
        lines.append(f"--{section}.precision bfloat16 (up to {size(batch * kept // 2)} less)")
    if smaller := half_size(config):
        lines.append(f"{smaller} ({size(batch * kept * 3 // 4)} less, perhaps more)")
    return "\n  ".join(lines)


def half_size(config: RunConfig) -> str | None:
    """Options for frames of half the height and width, where the networks can do with them."""
    data = config.data
    height, width = data.height // 2, data.width // 2
    try:
        config.denoiser.check_latents(latent_shape(config.vae, data.num_frames, height, width)[1:])
    except ValueError:
        return None
    return f"--data.height {height} --data.width {width}"


def bytes_per_example(task: Task, modules: nn.ModuleDict) -> int:
    """That the loss of an example keeps for the way back, beside parameters."""
    return kept_bytes(lambda: task.loss(modules, range(1)), modules)


def kept_bytes(loss: Callable[[], Tensor], modules: nn.Module) -> int:
    """Bytes that a loss keeps for the way back, beside parameters."""
    own = {parameter.untyped_storage().data_ptr() for parameter in modules.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        held = loss()  # while this lives nothing is freed, so no two have the same address
    del held
    return sum(seen.values())
