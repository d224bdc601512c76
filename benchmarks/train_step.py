"""How close a training step of a DiT comes to the matmul rate of the same minute.

Command: python benchmarks/train_step.py [--rounds 25]

Each round times forward + backward alone, then one whole optimizer step (noise, forward, backward, clipping, Muon and
AdamW, averaging), with a bf16 1024^3 matmul before, between and after; ratios are formed per round, because the
machine's speed drifts. FLOPs are those of the matrix products that torch counts. Three ratios, from kind to strict:

* forward + backward, the model's products: what "65 % for a tuned sketch, 37 % for a naive one" was measured on;
* the whole step, all its products, Muon's orthogonalisations included: how busy the step keeps the processor;
* the whole step, the model's products only: the optimizer's time counts as lost.
"""

import statistics
from collections.abc import Callable

import torch
from shapes import millions, prepared, sizes
from timing import MATMUL, arguments, figure, matmul_seconds, seconds_of, write
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.training.config import RunConfig
from mutoscope.training.trainer import train_step

TARGETS = {"demo": 0.6, "30 M": 0.7}


def flops_of(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def measure(name: str, config: RunConfig, rounds: int) -> tuple[str, list[dict]]:
    model, task, state = prepared(config)

    def both_passes() -> None:
        task.loss(state.compute.modules, range(config.training.batch_size)).mean().backward()

    def step() -> None:
        train_step(task, state, config.training)

    product = matmul_seconds()
    for warm_up in (both_passes, step, step, product):  # kernels are built at the first calls
        warm_up()
    model_flops, step_flops = flops_of(both_passes), flops_of(step)
    columns: dict[str, list[float]] = {}
    for _ in range(rounds):
        rates = [2 * MATMUL**3 / seconds_of(product)]
        passes = seconds_of(both_passes)
        rates.append(2 * MATMUL**3 / seconds_of(product))
        whole = seconds_of(step)
        rates.append(2 * MATMUL**3 / seconds_of(product))
        row = {
            "bf16 matmul, GFLOP/s": statistics.mean(rates) / 1e9,
            "forward + backward, s": passes,
            "whole step, s": whole,
            "forward + backward / matmul rate": model_flops / passes / statistics.mean(rates[:2]),
            "whole step, all products / matmul rate": step_flops / whole / statistics.mean(rates[1:]),
            "whole step, model's products / matmul rate": model_flops / whole / statistics.mean(rates[1:]),
        }
        for column, value in row.items():
            columns.setdefault(column, []).append(value)
    note = (
        f"{name}: denoiser of {millions(model.denoiser)}, batch {config.training.batch_size}, "
        f"{str(state.dtype).removeprefix('torch.')}; {model_flops / 1e9:.1f} GFLOP forward + backward, "
        f"{step_flops / 1e9:.1f} in the step; the ceiling of the ratios is 1"
    )
    # The step keeps the processor busy with the optimizer's products, too: they count.
    aimed = {"whole step, all products / matmul rate": TARGETS.get(name)}
    return note, [figure(f"{name}: {column}", values, aimed.get(column)) for column, values in columns.items()]


def main() -> None:
    given = arguments(__doc__, rounds=25)
    torch.manual_seed(0)
    found = [measure(name, config, given.rounds) for name, config in sizes(given.quick).items()]
    notes, figures = [note for note, _ in found], [line for _, lines in found for line in lines]
    write(given.out, "Training step against the matmul rate", "python benchmarks/train_step.py", notes, figures)


if __name__ == "__main__":
    main()
