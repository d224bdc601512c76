"""The two tasks: losses that depend on the example's number only."""

from statistics import NormalDist

import pytest
import torch
from regression_task import weights
from tiny import awake_model, tiny_run

from mutoscope.data.sprites import SpriteClips
from mutoscope.training.captions import prepare_captions
from mutoscope.training.diffusion_task import DiffusionTask
from mutoscope.training.trainer import fit
from mutoscope.training.vae_task import VAETask


def vae_task(config=None):
    config = config or tiny_run()
    return VAETask(awake_model(config).vae, SpriteClips(config.data, "train", config.seed), config.seed)


def diffusion_task(config=None, n=10, seed=0):
    config = config or tiny_run()
    model = awake_model(config)
    latents = torch.randn(n, 3, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    captions = SpriteClips(config.data, "train", config.seed).captions(range(n))
    return DiffusionTask(model, latents, prepare_captions(model, captions), config.diffusion, seed)


TASKS = pytest.mark.parametrize("make", [vae_task, diffusion_task])


@TASKS
@torch.no_grad()
def test_a_loss_depends_on_its_number_only(make):
    task = make()
    whole = task.loss(task.modules, range(3, 11))
    assert whole.shape == (8,)
    parts = [task.loss(task.modules, range(3, 5)), task.loss(task.modules, range(5, 11))]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(make().loss(task.modules, range(3, 11)), whole)
    assert not torch.allclose(task.loss(task.modules, range(13, 21)), whole)


@TASKS
def test_two_micro_batches_are_one_batch(make, tmp_path):
    """Gradients to 1e-6 of their norm; then three optimizer steps."""
    task, split = make(), make()
    task.loss(task.modules, range(8)).mean().backward()
    for first in (0, 4):
        (split.loss(split.modules, range(first, first + 4)).mean() / 2).backward()
    ours, theirs = (torch.cat([p.grad.flatten() for p in t.modules.parameters()]) for t in (split, task))
    assert (ours - theirs).norm() <= 1e-6 * max(1, theirs.norm().item())

    config = tiny_run().training.model_copy(update={"steps": 3, "lr": 1e-3, "optimizer": "adamw"})
    whole, halves = make(), make()
    for t, name, changes in ((whole, "a", {"batch_size": 8}), (halves, "b", {"batch_size": 4, "grad_accum": 2})):
        (tmp_path / name).mkdir()
        fit(t, config.model_copy(update=changes), tmp_path / name)
    for name, tensor in whole.modules.state_dict().items():
        # Adam divides by the gradient's own size, so rounding near zero gradients may show up to the rate itself.
        difference = (halves.modules.state_dict()[name] - tensor).abs()
        assert difference.max() < 3e-3 and difference.mean() < 2e-5, name


@TASKS
def test_every_parameter_gets_a_gradient(make):
    task = make()
    task.loss(task.modules, range(10)).sum().backward()
    for name, parameter in task.modules.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@TASKS
@torch.no_grad()
def test_low_precision_losses_are_close(make):
    task = make()
    expected = task.loss(task.modules, range(8))
    found = task.loss(make().modules.to(torch.bfloat16), range(8))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)


@torch.no_grad()
def test_a_silent_denoiser_loses_two():
    task = diffusion_task(n=64)
    task.modules["denoiser"].patch_out.weight.zero_()
    task.modules["denoiser"].patch_out.bias.zero_()
    assert abs(task.loss(task.modules, range(256)).mean().item() - 2) < 0.05


def test_every_epoch_visits_every_row_once():
    task = diffusion_task(n=10)
    orders = [task.order(range(first, first + 10)).tolist() for first in (0, 10, 20)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    across = [row for first in range(0, 30, 6) for row in task.order(range(first, first + 6)).tolist()]
    assert across == sum(orders, [])  # however it is cut into batches, also across epochs
    assert task.order(range(0, 30)).tolist() == across
    assert diffusion_task(n=10, seed=1).order(range(10)).tolist() != orders[0]


class Recorder(torch.nn.Module):
    """Stands for a network and notes what it was given."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.calls = answer, []
        self.where = torch.nn.Parameter(torch.zeros(()))  # networks have parameters, and tasks ask where

    def forward(self, *arguments):
        self.calls.append(arguments)
        return self.answer(*arguments)


@torch.no_grad()
def test_times_are_logit_normal_and_captions_are_dropped_per_example():
    config = tiny_run(diffusion={"timestep_mean": 0.5, "timestep_std": 0.8, "caption_dropout": 0.25})
    task = diffusion_task(config, n=64)
    text = Recorder(task.modules["text"].forward)
    denoiser = Recorder(lambda xt, t, context: torch.zeros_like(xt))
    task.loss(torch.nn.ModuleDict({"text": text, "denoiser": denoiser}), range(1000))
    ((_, t, _),) = denoiser.calls
    for p in (0.1, 0.5, 0.9):
        expected = torch.sigmoid(torch.tensor(0.5 + 0.8 * NormalDist().inv_cdf(p)))
        assert abs(t.quantile(p) - expected) < 0.01
    ((_, mask),) = text.calls
    dropped = mask.sum(1) == 1  # the start token alone
    assert abs(dropped.float().mean().item() - 0.25) < 0.05
    assert 0 < dropped[:8].sum() < 8  # not whole batches


@torch.no_grad()
def test_latents_and_captions_stay_together():
    task = diffusion_task(n=10)
    text = Recorder(task.modules["text"].forward)
    denoiser = Recorder(lambda xt, t, context: torch.zeros_like(xt))
    task._config = task._config.model_copy(update={"caption_dropout": 0.0})
    task.loss(torch.nn.ModuleDict({"text": text, "denoiser": denoiser}), range(10))
    rows = task.order(range(10))
    ids, _ = awake_model().prepare(SpriteClips(tiny_run().data, "train", 0).captions(range(10)))
    given = text.calls[0][0]
    assert torch.equal(given, ids[rows, : given.shape[1]])
    xt, t, _ = denoiser.calls[0]
    t = t[:, None, None, None, None]
    noise = (xt - (1 - t) * task._latents[rows]) / t
    assert abs(noise.std() - 1) < 0.1  # with the wrong rows the residual is larger
    assert ((xt - (1 - t) * task._latents[rows.flip(0)]) / t).std() > 1.2


def test_an_unconditional_task_trains_no_text():
    config = tiny_run(denoiser={"model_dim": 32, "num_heads": 2, "depth": 1, "text": False})
    task = diffusion_task(config)
    assert set(task.modules) == {"denoiser"}
    task.loss(task.modules, range(4)).mean().backward()
    assert all(p.grad is not None for p in task.modules.parameters())


@pytest.mark.slow
def test_a_tiny_set_is_overfitted(tmp_path):
    """Four latents with four captions: from 2 to below 0.6, which needs the captions and the latents by heart."""
    config = tiny_run(diffusion={"caption_dropout": 0.0})
    task = diffusion_task(config, n=4)
    stage = config.training.model_copy(update={"steps": 600, "batch_size": 16, "lr": 5e-3, "log_every": 1000})
    before = weights(task.modules)
    state = fit(task, stage, tmp_path)
    with torch.no_grad():
        assert task.loss(state.ema.modules, range(100_000, 100_256)).mean() < 0.6
    assert all(not torch.equal(before[k], v) for k, v in weights(task.modules).items())
