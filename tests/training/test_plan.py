"""Budgets: arithmetic on made-up costs, and costs that are what they say."""

import pytest
import torch
from tiny import tiny_run
from torch import nn

from mutoscope.model import VideoModel
from mutoscope.training import plan
from mutoscope.training.callbacks import Callbacks
from mutoscope.training.config import StageConfig
from mutoscope.training.plan import StageCosts, cost_of, fitted, flops_per_step, trains_vae, with_budget
from mutoscope.training.run import snapshot_steps, train
from mutoscope.training.task import Stopwatch
from mutoscope.vae.config import PixelConfig


def run_of(vae_steps, steps, warmup_steps=2):
    stage = tiny_run().training.model_copy(update={"warmup_steps": warmup_steps})
    return tiny_run(
        vae_training=stage.model_copy(update={"steps": vae_steps}), training=stage.model_copy(update={"steps": steps})
    )


def steps_of(config):
    return config.vae_training.steps, config.training.steps


@pytest.mark.parametrize(
    ("costs", "amount", "expected"),
    [
        (StageCosts(vae=0.1, diffusion=0.4), 460.0, (600, 1000)),  # what the recipe costs: nothing changes
        (StageCosts(vae=0.1, diffusion=0.4), 230.0, (300, 500)),
        (StageCosts(vae=0.1, diffusion=0.4), 920.0, (1200, 2000)),
        (StageCosts(vae=0.1, diffusion=0.4, once=100.0), 330.0, (300, 500)),  # the encoding is paid first
        (StageCosts(vae=None, diffusion=0.4), 100.0, (600, 250)),  # no such stage: its steps are left alone
    ],
)
def test_both_stages_are_scaled_by_one_factor(costs, amount, expected):
    config = run_of(600, 1000)
    planned = fitted(config, costs, "seconds", amount)
    assert steps_of(planned) == pytest.approx(expected, abs=1)
    assert costs.total(planned) <= amount * (1 + 1e-9)
    assert planned.training.warmup_steps == config.training.warmup_steps


@pytest.mark.parametrize("amount", [2.0, 3.7, 11.0, 97.3])
@pytest.mark.parametrize("costs", [StageCosts(vae=1.0, diffusion=0.3, once=0.5), StageCosts(vae=0.01, diffusion=1.5)])
def test_the_plan_fits_and_another_step_would_not(costs, amount):
    planned = fitted(run_of(3, 1000), costs, "seconds", amount)
    assert min(steps_of(planned)) >= 1
    assert costs.total(planned) <= amount * (1 + 1e-9)
    spare = amount - costs.total(planned)
    assert spare < costs.diffusion + costs.vae + 1e-9  # rounding loses less than one step of each


def test_a_budget_that_pays_for_nothing_says_what_would():
    costs = StageCosts(vae=1.0, diffusion=2.0, once=30.6)
    with pytest.raises(ValueError, match=r"5 seconds do not pay .* \(30.6\)\. Give --seconds 34 or more") as error:
        fitted(run_of(10, 10), costs, "seconds", 5.0)
    assert "\n" not in str(error.value)
    assert steps_of(fitted(run_of(10, 10), costs, "seconds", 34.0)) == (1, 1)


def test_a_pixel_model_has_one_stage():
    assert trains_vae(tiny_run()) and not trains_vae(tiny_run().model_copy(update={"vae": PixelConfig()}))
    costs = cost_of(tiny_run().model_copy(update={"vae": PixelConfig()}), "examples")
    assert costs == StageCosts(vae=None, diffusion=4.0)
    config = run_of(7, 100)
    assert steps_of(fitted(config, costs, "examples", 40)) == (7, 10)
    assert costs.total(config) == 400  # the stage that is not there costs nothing


def test_examples_are_clips_seen():
    config = tiny_run(training=tiny_run().training.model_copy(update={"batch_size": 3, "grad_accum": 5, "steps": 100}))
    assert cost_of(config, "examples") == StageCosts(vae=4.0, diffusion=15.0)
    planned = with_budget(config, "examples", 700)
    assert 700 - 19 < 4 * planned.vae_training.steps + 15 * planned.training.steps <= 700


class MatrixTask:
    """Loss of one linear layer: 2 b i o operations forward, as many for the weight, none for the input."""

    name = "matrix"

    def __init__(self):
        self.modules = nn.ModuleDict({"layer": nn.Linear(7, 11, bias=False)})
        self.fetching = Stopwatch()

    def loss(self, modules, indices):
        return modules["layer"](torch.ones(len(indices), 7)).mean(1)


def test_flops_of_a_matrix_product_are_exact():
    stage = StageConfig(batch_size=5, grad_accum=3)
    assert flops_per_step(MatrixTask(), stage) == 3 * 2 * (2 * 5 * 7 * 11)


class AttentionTask(MatrixTask):
    """One head over n tokens of width d by the library's own kernel: q kᵀ, weights v, and twice that back."""

    def loss(self, modules, indices):
        x = modules["layer"].weight.expand(len(indices), 1, 11, 7)
        return nn.functional.scaled_dot_product_attention(x, x, x).mean((1, 2, 3))


def test_attention_is_counted_whatever_kernel_runs():
    forward = 2 * 2 * 4 * 11 * 11 * 7
    assert flops_per_step(AttentionTask(), StageConfig(batch_size=4)) == 3 * forward


def test_flops_of_a_run_grow_with_batch_depth_and_cache():
    small = cost_of(tiny_run(), "flops")
    stage = tiny_run().training.model_copy(update={"batch_size": 8, "grad_accum": 2})
    bigger = cost_of(tiny_run(training=stage, cached_clips=30), "flops")
    assert small.vae is not None and small.once > 0 and bigger.vae == small.vae
    assert bigger.diffusion == pytest.approx(4 * small.diffusion, rel=0.01)
    assert bigger.once == pytest.approx(3 * small.once)
    deeper = tiny_run(denoiser=tiny_run().denoiser.model_copy(update={"depth": 4}))
    assert cost_of(deeper, "flops").diffusion > 1.5 * small.diffusion


def test_seconds_are_the_median_of_real_steps(monkeypatch):
    clock = iter([0.0, 9.0, 9.0, 20.0, *(x for k in range(5) for x in (100.0 * k, 100.0 * k + (3, 1, 2, 50, 2)[k]))])
    steps = []
    monkeypatch.setattr(plan.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(plan, "train_step", lambda task, state, config: steps.append(state.step))
    stage = tiny_run().training
    assert plan.seconds_per_step(MatrixTask(), stage) == 2  # of 3, 1, 2, 50, 2: warm-up and one hiccup do not count
    assert len(steps) == 7


def test_a_measured_run_costs_time_in_every_stage():
    costs = cost_of(tiny_run(), "seconds")
    assert costs.vae is not None and all(0 < value < 60 for value in (costs.vae, costs.diffusion, costs.once))


# ------------------------------------------------------------------------------------------------------ snapshots


@pytest.mark.parametrize(
    ("steps", "count", "expected"),
    [(100, 4, [25, 50, 75, 100]), (10, 3, [4, 7, 10]), (2, 6, [1, 2]), (7, 1, [7]), (7, 0, [])],
)
def test_snapshots_are_evenly_spaced_and_end_with_the_last_step(steps, count, expected):
    assert snapshot_steps(steps, count) == expected


def kept(run):
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in sorted(run.glob("snapshots/*/*"))}


def test_a_killed_and_resumed_run_keeps_the_same_snapshots(tmp_path):
    class Killed(BaseException):
        pass

    def kill_in_the_third_diffusion_step(stage, step, steps, loss):
        if stage == "diffusion" and step == 3 and not (tmp_path / "resumed" / "killed").exists():
            (tmp_path / "resumed" / "killed").touch()
            raise Killed

    config = tiny_run(snapshots=3, vae_training=tiny_run().vae_training.model_copy(update={"steps": 1}))
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    train(config, straight)
    with pytest.raises(Killed):
        train(config, resumed, Callbacks(on_step=kill_in_the_third_diffusion_step))
    train(config, resumed)
    assert kept(resumed) == kept(straight)
    folders = sorted({name.split("/")[1] for name in kept(straight)})
    assert folders == ["step-000002", "step-000004", "step-000006"]
    last, final = (VideoModel.load(p).state_dict() for p in (straight / "snapshots" / folders[-1], straight / "model"))
    for name, value in final.items():
        assert torch.equal(last[name], value.half().float()), name
    first = VideoModel.load(straight / "snapshots" / folders[0]).state_dict()
    assert any(not torch.equal(first[name], last[name]) for name in last)
