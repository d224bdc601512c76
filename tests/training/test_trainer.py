"""The loop: resume is bit-identical, micro-batches add up, a broken loss stops it, the log counts every step once."""

import json

import pytest
import torch
from regression_task import Regression, assert_same, stage, weights

from mutoscope.training.callbacks import Callbacks
from mutoscope.training.checkpoint import load_newest
from mutoscope.training.checkpoint_files import list_checkpoints
from mutoscope.training.metric_log import MetricLog
from mutoscope.training.recovery import PATIENCE, RETURNS, NonFiniteLoss
from mutoscope.training.state import start
from mutoscope.training.throughput import Speed
from mutoscope.training.trainer import Interrupted, fit, train_step


class Killed(BaseException):
    """As sudden as a signal."""


def rows_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def timeless(rows):
    measured = {"seconds", *Speed.__dataclass_fields__}
    return [{k: v for k, v in row.items() if k not in measured} for row in rows]


KINDS = [(o, p) for o in ("adamw", "muon") for p in ("float32", "bfloat16")]


# ------------------------------------------------------------------------------------------------- resume


@pytest.mark.parametrize(("optimizer", "precision"), KINDS)
@pytest.mark.parametrize("stop", range(1, 8))
def test_stop_and_resume_is_the_run_without_a_stop(tmp_path, optimizer, precision, stop):
    config = stage(optimizer=optimizer, precision=precision, grad_accum=2)
    straight, whole = Regression(), tmp_path / "whole"
    whole.mkdir()
    expected = fit(straight, config, whole)

    run, steps = tmp_path / "stopped", []
    run.mkdir()
    with pytest.raises(Interrupted, match=f"regression stopped after step {stop} of 8"):
        fit(
            Regression(),
            config,
            run,
            callbacks=Callbacks(on_step=lambda s, i, n, loss: steps.append(i), should_stop=lambda: len(steps) == stop),
        )
    resumed = Regression(seed=99)  # weights come from the checkpoint
    found = fit(resumed, config, run)
    assert_same(weights(resumed.modules), weights(straight.modules))
    assert_same(weights(found.ema.modules), weights(expected.ema.modules))
    assert timeless(rows_of(run)) == timeless(rows_of(whole))
    assert found.dtype == expected.dtype


@pytest.mark.parametrize(("optimizer", "precision"), KINDS)
@pytest.mark.parametrize("kill", [2, 4, 6, 7])
def test_kill_and_resume_is_the_run_without_a_kill(tmp_path, optimizer, precision, kill):
    config = stage(optimizer=optimizer, precision=precision)
    straight, whole, run = Regression(), tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    run.mkdir()
    expected = fit(straight, config, whole)

    def strike(name, step, steps, loss):
        if step == kill:
            raise Killed

    with pytest.raises(Killed):
        fit(Regression(), config, run, callbacks=Callbacks(on_step=strike))
    resumed = Regression(seed=0)
    found = fit(resumed, config, run)
    assert resumed.calls[0].start == 4 * (kill // 3 * 3 if kill % 3 else kill - 3)  # since the last checkpoint
    assert_same(weights(resumed.modules), weights(straight.modules))
    assert_same(weights(found.ema.modules), weights(expected.ema.modules))
    assert timeless(rows_of(run)) == timeless(rows_of(whole))


def test_many_stops_are_no_different_from_none(tmp_path):
    config = stage(optimizer="muon")
    straight, run = Regression(), tmp_path / "run"
    run.mkdir()
    (tmp_path / "whole").mkdir()
    fit(straight, config, tmp_path / "whole")
    for _ in range(7):
        with pytest.raises(Interrupted):
            fit(Regression(), config, run, callbacks=Callbacks(should_stop=lambda: True))
    task = Regression()
    fit(task, config, run, callbacks=Callbacks(should_stop=lambda: True))  # nothing is left to stop after the last step
    assert_same(weights(task.modules), weights(straight.modules))
    assert [row["step"] for row in rows_of(run)] == list(range(1, 9))


def test_a_finished_stage_is_not_trained_again(tmp_path):
    task = Regression()
    fit(task, stage(), tmp_path)
    again = Regression(seed=5)
    state = fit(again, stage(), tmp_path)
    assert again.calls == [] and state.step == 8
    assert_same(weights(again.modules), weights(task.modules))


def test_seconds_go_on_after_a_resume(tmp_path):
    with pytest.raises(Interrupted):
        fit(Regression(), stage(), tmp_path, callbacks=Callbacks(should_stop=lambda: True))
    state = start(Regression(), stage(), tmp_path / "checkpoints")
    assert state.seconds > 0 and state.step == 1
    fit(Regression(), stage(), tmp_path)
    seconds = [row["seconds"] for row in rows_of(tmp_path)]
    assert seconds == sorted(seconds)


def test_a_resumed_run_keeps_the_measured_precision(tmp_path, monkeypatch):
    config = stage(precision="auto")
    monkeypatch.setattr("mutoscope.training.state.fastest_dtype", lambda *a: torch.bfloat16)
    with pytest.raises(Interrupted):
        fit(Regression(), config, tmp_path, callbacks=Callbacks(should_stop=lambda: True))
    monkeypatch.setattr("mutoscope.training.state.fastest_dtype", lambda *a: torch.float32)
    assert fit(Regression(), config, tmp_path).dtype == torch.bfloat16


# ------------------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_two_micro_batches_are_one_batch(tmp_path, optimizer):
    whole, split = Regression(), Regression()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for task, run, changes in ((whole, "a", {"batch_size": 8}), (split, "b", {"batch_size": 4, "grad_accum": 2})):
        fit(task, stage(optimizer=optimizer, steps=4, **changes), tmp_path / run)
    assert [r for call in split.calls for r in call] == [r for call in whole.calls for r in call]
    for name, tensor in whole.modules.state_dict().items():
        torch.testing.assert_close(split.modules.state_dict()[name], tensor, rtol=0, atol=2e-5, msg=name)
    for a, b in zip(rows_of(tmp_path / "a"), rows_of(tmp_path / "b"), strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)
        assert a["grad_norm"] == pytest.approx(b["grad_norm"], rel=1e-5)


def test_every_example_is_visited_once_in_order(tmp_path):
    task = Regression()
    fit(task, stage(grad_accum=2), tmp_path)
    assert [i for call in task.calls for i in call] == list(range(8 * 2 * 4))


def test_the_logged_loss_is_the_mean_over_the_examples(tmp_path):
    task = Regression()
    expected = task.loss(task.modules, range(8)).mean().item()
    metrics = train_step(task, start(task, stage(grad_accum=2), tmp_path), stage(grad_accum=2))
    assert metrics["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_regression_is_learned(tmp_path):
    task = Regression()
    state = fit(task, stage(steps=200, batch_size=16, lr=0.03, ema_decay=0.9), tmp_path)
    first = task.loss(Regression().modules, range(5000, 5100)).mean()
    assert first > 5 and task.loss(state.ema.modules, range(5000, 5100)).mean() < 0.05


def test_the_average_follows_every_step_once(tmp_path):
    """grad_accum does not count: after one step the average is 0.1 of the start and 0.9 of the first weights."""
    task = Regression()
    begin = weights(task.modules)
    state = fit(task, stage(steps=1, grad_accum=3), tmp_path)
    for name, tensor in state.ema.modules.state_dict().items():
        torch.testing.assert_close(tensor, 0.1 * begin[name] + 0.9 * task.modules.state_dict()[name], msg=name)


# ------------------------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize(("optimizer", "precision"), KINDS)
def test_a_sick_batch_is_passed_over(tmp_path, optimizer, precision):
    """The run is the one that never had that batch."""
    config, notices = stage(optimizer=optimizer, precision=precision), []
    task, healthy = Regression(poison={4 * 4 + 1}), Regression(without=range(16, 20))
    for name in ("sick", "healthy"):
        (tmp_path / name).mkdir()
    fit(task, config, tmp_path / "sick", callbacks=Callbacks(on_notice=notices.append))
    fit(healthy, config, tmp_path / "healthy")
    assert_same(weights(task.modules), weights(healthy.modules))
    assert timeless(rows_of(tmp_path / "sick")) == timeless(rows_of(tmp_path / "healthy"))
    assert notices == ["regression: loss nan, gradient norm nan at step 5. This batch is passed over."]


@pytest.mark.parametrize("stop", [4, 5, 6])
def test_a_run_stopped_around_a_sick_batch_is_the_run_without_a_stop(tmp_path, stop):
    straight, steps = Regression(poison={17}), []
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    fit(straight, stage(), tmp_path / "whole")
    with pytest.raises(Interrupted):
        fit(
            Regression(poison={17}), stage(), tmp_path / "stopped",
            callbacks=Callbacks(on_step=lambda *a: steps.append(a), should_stop=lambda: len(steps) == stop),
        )  # fmt: skip
    resumed = Regression(poison={17})
    fit(resumed, stage(), tmp_path / "stopped")
    assert_same(weights(resumed.modules), weights(straight.modules))
    assert timeless(rows_of(tmp_path / "stopped")) == timeless(rows_of(tmp_path / "whole"))


def test_after_several_in_a_row_it_goes_back_and_on_with_other_batches(tmp_path):
    """Batches 4, 5 and 6 are sick: back from step 4 to the checkpoint of step 3, and on with batch 7."""
    notices, steps = [], []
    task = Regression(poison={4 * 4, 5 * 4, 6 * 4})
    watching = Callbacks(on_notice=notices.append, on_step=lambda name, step, of, loss: steps.append(step))
    fit(task, stage(), tmp_path, callbacks=watching)
    assert len(notices) == PATIENCE
    assert notices[-1].endswith("3 batches in a row: back to regression-0000003, with other batches.")
    assert steps == [1, 2, 3, 4, 4, 5, 6, 7, 8]
    assert [call.start // 4 for call in task.calls] == list(range(12))
    assert [row["step"] for row in rows_of(tmp_path)] == list(range(1, 9))
    skipped = Regression(without=range(12, 28))  # batch 3 was undone
    (tmp_path / "skipped").mkdir()
    fit(skipped, stage(), tmp_path / "skipped")
    assert_same(weights(task.modules), weights(skipped.modules))


def test_weights_that_are_sick_are_healed_by_going_back(tmp_path):
    task = Regression()

    def poison(name, step, of, loss):
        if step == 4 and len(task.calls) == 4:  # once
            with torch.no_grad():
                task.modules["network"].first.weight.fill_(float("nan"))

    fit(task, stage(), tmp_path, callbacks=Callbacks(on_step=poison))
    assert all(tensor.isfinite().all() for tensor in weights(task.modules).values())
    assert [row["step"] for row in rows_of(tmp_path)] == list(range(1, 9))


def test_where_nothing_helps_it_stops_with_a_diagnosis(tmp_path):
    task = Regression(poison=set(range(4 * 4, 1000)))
    with pytest.raises(
        NonFiniteLoss, match=r"Nothing helped: 3 batches .* all weights are finite.* Try half"
    ) as caught:
        fit(task, stage(), tmp_path)
    assert str(tmp_path / "checkpoints" / "regression-0000003") in str(caught.value)
    assert len(task.calls) == 4 + (1 + RETURNS) * PATIENCE
    assert all(tensor.isfinite().all() for tensor in weights(task.modules).values())
    assert load_newest(tmp_path / "checkpoints", "regression", print)[1]["step"] == 3


def test_sick_from_the_first_step(tmp_path):
    task = Regression(poison=set(range(1000)))
    before = weights(task.modules)
    with pytest.raises(NonFiniteLoss, match=r"regression: loss nan, gradient norm nan at step 1\. Nothing helped"):
        fit(task, stage(), tmp_path)
    assert_same(weights(task.modules), before)
    assert not (tmp_path / "metrics.jsonl").exists()


@pytest.mark.parametrize("damage", ["emptied", "a bit"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(tmp_path, damage):
    straight, notices = Regression(), []
    fit(straight, stage(), tmp_path)
    file = tmp_path / "checkpoints" / "regression-0000008" / "state.safetensors"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content if damage == "a bit" else b"")
    again = Regression(seed=3)
    fit(again, stage(), tmp_path, callbacks=Callbacks(on_notice=notices.append))
    assert_same(weights(again.modules), weights(straight.modules))
    assert again.calls[0].start == 4 * 6
    assert len(notices) == 1 and "regression-0000008 is damaged" in notices[0] and "the one before it" in notices[0]
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["damaged-regression-0000008.0", "regression-0000006", "regression-0000008"]


def test_where_all_are_damaged_nothing_is_trained_over(tmp_path):
    fit(Regression(), stage(), tmp_path)
    for path in list_checkpoints(tmp_path / "checkpoints", "regression"):
        (path / "state.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="regression-0000006 is damaged .*like every other.* remove "):
        fit(Regression(), stage(), tmp_path)


# ------------------------------------------------------------------------------------------------- log and hooks


def test_periods_of_log_and_checkpoints(tmp_path):
    fit(Regression(), stage(steps=8, log_every=3, checkpoint_every=5), tmp_path)
    rows = rows_of(tmp_path)
    assert [row["step"] for row in rows] == [1, 3, 6, 8]
    told = {"stage", "step", "loss", "grad_norm", "lr", "seconds", *Speed.__dataclass_fields__}
    assert all(row.keys() == told for row in rows)
    assert {row["stage"] for row in rows} == {"regression"}
    assert [p.name[-1] for p in list_checkpoints(tmp_path / "checkpoints", "regression")] == ["5", "8"]


def test_hooks_come_at_their_period_and_at_the_end_with_the_average(tmp_path):
    seen, losses = [], []
    state = fit(
        Regression(), stage(steps=7), tmp_path,
        hooks=[(3, lambda modules, step: seen.append((step, modules))), (0, lambda *a: pytest.fail("never"))],
        callbacks=Callbacks(on_step=lambda name, step, steps, loss: losses.append((name, step, steps, loss))),
    )  # fmt: skip
    assert [step for step, _ in seen] == [3, 6, 7]
    assert all(modules is state.ema.modules for _, modules in seen)
    assert [(name, step, steps) for name, step, steps, _ in losses] == [("regression", k, 7) for k in range(1, 8)]
    assert [loss for *_, loss in losses] == [row["loss"] for row in rows_of(tmp_path)]


def test_the_log_drops_what_is_done_again_and_keeps_other_stages(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = [{"stage": "vae", "step": s} for s in (1, 2, 9)] + [{"stage": "diffusion", "step": s} for s in (1, 2, 3)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"stage": "diffu')
    MetricLog(path, "diffusion", 2).write({"step": 3})
    assert rows_of(tmp_path) == [*lines[:5], {"stage": "diffusion", "step": 3}]
