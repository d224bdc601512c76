"""Muon: momentum whose update is made orthogonal (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

The same update as `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`, tested against it; but all matrices of one
shape are orthogonalised as one batch. A small network has dozens of small matrices, and one after the other they keep
neither core busy. Convolution kernels count as matrices (out, in * rows * columns).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from .parts import own_part, part_like, whole

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of the quintic, from the source above
ITERATIONS = 5
RMS_OF_ADAMW = 0.2  # Liu et al. 2025, arXiv:2502.16982, eq. 4: updates get the root mean square that AdamW's have


def orthogonalise(matrices: Float[Tensor, "k rows columns"]) -> Float[Tensor, "k rows columns"]:
    """Each matrix with its singular values moved to about 1 (0.5 to 1.5), in bfloat16; rows <= columns."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


class Muon(Optimizer):
    """For weights of two or more axes inside a network; not for embeddings, biases or the last layer."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.0, momentum: float = 0.95
    ):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore
        """One update of every parameter that has a gradient. closure: not used."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rows, columns = _matrix_shape(parameter)
                    alike[min(rows, columns), max(rows, columns)].append(parameter)
            for (_, columns), parameters in alike.items():
                directions = [self._nesterov(parameter, group["momentum"]) for parameter in parameters]
                updates = orthogonalise(torch.stack(directions))
                rate = group["lr"] * RMS_OF_ADAMW * columns**0.5
                for parameter, update in zip(parameters, updates, strict=True):
                    rows, columns = _matrix_shape(parameter)
                    update = (update.mT if rows > columns else update).reshape(parameter.shape)
                    own_part(parameter).mul_(1 - group["lr"] * group["weight_decay"])
                    own_part(parameter).add_(own_part(part_like(update, parameter)), alpha=-rate)

    def _nesterov(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """The gradient moved towards its running mean, as a wide matrix."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - momentum)
        matrix = whole(gradient.lerp(state["momentum"], momentum)).flatten(1)
        return matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix


def _matrix_shape(parameter: Tensor) -> tuple[int, int]:
    """Rows and columns of the matrix that a weight is."""
    return parameter.shape[0], parameter.shape[1:].numel()
