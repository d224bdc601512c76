"""What happens where a loss or a gradient is not finite: the batch is passed over, the run goes back, or it gives up.

As in PaLM (Chowdhery et al. 2022, arXiv:2204.02311, section 5.1): going back helps because other batches follow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from .state import State, newest

PATIENCE = 3
"""Batches passed over one after the other before the run goes back to its last checkpoint."""
RETURNS = 2
"""Times that it goes back to one and the same checkpoint before it gives up."""


class NonFiniteLoss(ValueError):
    """The loss or a gradient is NaN or infinite; the step was not taken."""


@dataclass
class Recovery:
    """Counts what went wrong in a stage, and decides. After a step that was taken: `good_step`."""

    checkpoints: Path
    stage: str
    on_notice: Callable[[str], None] = lambda line: None
    in_a_row: int = 0
    returns: int = 0
    returned_to: Path | None = None

    def good_step(self) -> None:
        """The last step was taken."""
        self.in_a_row = 0

    def recover(self, state: State, error: NonFiniteLoss) -> None:
        """Make the state fit for the next batch. NonFiniteLoss, with what to try, where nothing has helped."""
        state.passed_over += 1
        self.in_a_row += 1
        if self.in_a_row < PATIENCE:
            self.on_notice(f"{error}. This batch is passed over.")
            return
        if state.last_checkpoint != self.returned_to:
            self.returned_to, self.returns = state.last_checkpoint, 0
        if self.returns == RETURNS:
            raise NonFiniteLoss(f"{error}. {self._diagnosis(state)}") from error
        seen = state.step + state.passed_over
        state.flush()
        found = newest(self.checkpoints, self.stage, state.engine.processes, self.on_notice)
        assert found is not None, "a stage begins with a checkpoint"
        state.restore(*found)
        state.passed_over = seen - state.step  # not the same batches again
        self.returns += 1
        self.in_a_row = 0
        self.on_notice(f"{error}. That was {PATIENCE} batches in a row: back to {found[0].name}, with other batches.")

    def _diagnosis(self, state: State) -> str:
        sick = non_finite(state.compute.masters)
        where = f"{sick[0]} is not finite" if sick else "all weights are finite, so it is the data"
        return (
            f"Nothing helped: {PATIENCE} batches in a row, {RETURNS} times after going back; {where}. "
            f"Last good checkpoint: {state.last_checkpoint}. Try half the learning rate, more warm-up steps, or "
            f"precision float32."
        )


@torch.no_grad()
def non_finite(modules: nn.Module) -> list[str]:
    """Names of parameters that hold a NaN or an infinity."""
    return [name for name, parameter in modules.named_parameters() if not parameter.isfinite().all()]
