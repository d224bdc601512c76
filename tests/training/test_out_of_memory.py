"""Memory that runs out: counted bytes, and a message with the settings that help."""

import re

import pytest
import torch
from regression_task import Regression
from regression_task import stage as settings
from torch import nn

from mutoscope.memory import OutOfMemory, is_out_of_memory
from mutoscope.recipes.smoke import smoke
from mutoscope.training.memory import explained, kept_bytes
from mutoscope.training.plan import cost_of
from mutoscope.training.preflight import preflight
from mutoscope.training.run import train

HUGE = 2**50


def test_what_a_loss_keeps_is_counted_exactly():
    layer = nn.Linear(3, 5)
    x = torch.ones(7, 3)
    # The input for the weight's gradient, the output for the square's.
    assert kept_bytes(lambda: layer(x).square().mean(), layer) == 4 * (7 * 3 + 7 * 5)


def allocate() -> torch.Tensor:
    return torch.empty(HUGE, dtype=torch.uint8)


def test_torch_is_understood_when_it_has_too_little():
    with pytest.raises(RuntimeError) as caught:
        allocate()
    assert (
        is_out_of_memory(caught.value)
        and is_out_of_memory(MemoryError())
        and is_out_of_memory(torch.OutOfMemoryError("out of memory"))
    )
    assert not is_out_of_memory(RuntimeError("shapes do not fit")) and not is_out_of_memory(ValueError("memory"))


def greedy(monkeypatch, stage: str) -> None:
    """The whole batch of a stage is too much; one clip is not."""
    import mutoscope.training.diffusion_task as diffusion
    import mutoscope.training.vae_task as vae

    kind = {"vae": vae.VAETask, "diffusion": diffusion.DiffusionTask}[stage]
    loss = kind.loss

    def hungry(self, modules, indices):
        return loss(self, modules, indices) + (allocate().float().mean() if len(indices) > 1 else 0.0)

    monkeypatch.setattr(kind, "loss", hungry)


@pytest.mark.parametrize(
    ("stage", "helps"),
    [
        ("vae", ["--vae-training.batch-size 4 --vae-training.grad-accum 2"]),
        ("diffusion", ["--training.batch-size 4 --training.grad-accum 2", "--recompute"]),
    ],
)
def test_the_message_names_settings_and_how_much_they_help(tmp_path, monkeypatch, stage, helps):
    config, changes = smoke(), {"batch_size": 8, "steps": 1, "precision": "float32"}
    stages = {name: getattr(config, name).model_copy(update=changes) for name in ("training", "vae_training")}
    config = config.model_copy(update=stages)
    greedy(monkeypatch, stage)
    messages = []
    for work in (lambda: train(config, tmp_path), lambda: preflight(config), lambda: cost_of(config, "seconds")):
        with pytest.raises(OutOfMemory, match=f"not enough memory for the {stage} stage") as caught:
            work()
        messages.append(re.sub(r"\S+ . ?free now", "", str(caught.value)))
    for wanted in [*helps, "precision bfloat16", "--data.height 16 --data.width 16"]:
        assert all(wanted in told for told in messages), wanted
    kept, less = (float(found) for found in re.findall(r"([\d.]+) MB", messages[0].partition("keep")[2])[::2][:2])
    assert less == pytest.approx(kept / 2, rel=0.05)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"), explained(Regression(), settings(), smoke()):
        raise RuntimeError("shapes do not fit")
