"""The adversarial stage: who learns from what, resume, and the way back where it fails."""

import json
from itertools import count

import pytest
import torch
from regression_task import assert_same, weights
from tiny import awake_model, tiny_run

from mutoscope.data.sprites import SpriteClips
from mutoscope.model import VideoModel
from mutoscope.training import adversarial_task, run
from mutoscope.training.adversarial_task import AdversarialTask, WorseReconstruction
from mutoscope.training.callbacks import Callbacks
from mutoscope.training.config import adversarial_stage
from mutoscope.training.plan import cost_of
from mutoscope.training.run import train
from mutoscope.training.trainer import Interrupted, fit
from mutoscope.vae.discriminator import discriminator_loss, generator_loss
from mutoscope.vae.losses import reconstruction_loss


def adversarial_run(weight=0.5, **vae):
    """A tiny run with 8 steps for the VAE, and so 2 against the discriminator."""
    plain = tiny_run()
    changes = {"adversarial_weight": weight, **vae}
    return tiny_run(
        vae=plain.vae.model_copy(update=changes),
        vae_training=plain.vae_training.model_copy(update={"steps": 8}),
    )


def task_of(config=None, steps=8):
    config = config or adversarial_run()
    clips = SpriteClips(config.data, "train", config.seed)
    stage = config.vae_training.model_copy(update={"steps": steps, "optimizer": "adamw"})
    return AdversarialTask(awake_model(config).vae, clips, config.seed, stage), stage


def gradients(modules):
    return {name: p.grad for name, p in modules.named_parameters()}


# ------------------------------------------------------------------------------------------------- who learns


def test_one_backward_trains_both_and_neither_from_the_others_loss():
    """Neither loss has a gradient for the other's network; both together have one for all layers but the encoder's."""
    task, _ = task_of()
    indices = range(6, 10)
    task.loss(task.modules, indices).sum().backward()
    joint = gradients(task.modules)
    task.modules.zero_grad(set_to_none=True)

    vae, discriminator = task.modules["vae"], task.modules["discriminator"]
    frames = task._clips.batch(indices).frames
    decoded = vae.decode_raw(vae.posterior(frames).mean).detach()
    decoded.requires_grad_()
    generator_loss(discriminator, decoded).sum().backward()
    assert all(grad is None for grad in gradients(discriminator).values()) and decoded.grad.abs().max() > 0
    decoded.grad = None
    discriminator_loss(discriminator, frames, decoded, torch.ones_like(frames)).sum().backward()
    assert decoded.grad is None
    # At the start hinges of real and decoded clips pull the last bias equally hard in opposite directions.
    learn = {name for name in gradients(discriminator) if name != "head.bias"}
    assert all(gradients(discriminator)[name].abs().max() > 0 for name in learn)

    for name, grad in joint.items():
        if name.startswith("vae.encoder."):  # latents stay as they are
            assert grad is None, name
        elif name != "discriminator.head.bias":
            assert grad.abs().max() > 0, name


def test_the_loss_is_its_three_parts_and_ramps_up_by_example_number():
    task, stage = task_of(steps=100)
    ramp = adversarial_task.RAMP_SHARE * 100 * stage.batch_size
    vae, discriminator = task.modules["vae"], task.modules["discriminator"]
    for indices in (range(0, 4), range(40, 44), range(1000, 1004)):
        frames = task._clips.batch(indices).frames
        noise, _ = adversarial_task.normal_rows(0, "vae-noise", indices, (3, 3, 4, 4))
        nearby, _ = adversarial_task.normal_rows(0, "nearby", indices, (3, 5, 16, 16))
        decoded = vae.decode_raw(vae.posterior(frames).sample(noise))
        likeness, looks = reconstruction_loss(decoded - frames, vae.config), generator_loss(discriminator, decoded)
        head = vae.decoder.head.weight
        pulls = [torch.autograd.grad(x.mean(), head, retain_graph=True)[0].norm() for x in (likeness, looks)]
        share = torch.tensor([min(1, i / ramp) for i in indices])
        expected = likeness + 0.5 * share * pulls[0] / (pulls[1] + 1e-4) * looks
        expected = expected + discriminator_loss(discriminator, frames, decoded, nearby)
        torch.testing.assert_close(task.loss(task.modules, indices), expected)


def test_settings_of_the_stage_follow_from_the_vaes():
    stage = tiny_run().vae_training.model_copy(update={"steps": 401, "lr": 2e-3})
    found = adversarial_stage(stage)
    assert (found.steps, found.lr, found.optimizer, found.batch_size) == (100, 5e-4, "adamw", stage.batch_size)
    assert adversarial_stage(stage.model_copy(update={"steps": 1})).steps == 1


# ------------------------------------------------------------------------------------------------- resume


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stop", [1, 3, 5])
def test_stop_and_resume_is_the_stage_without_a_stop(tmp_path, precision, stop):
    def fresh():
        task, stage = task_of(steps=6)
        return task, stage.model_copy(update={"precision": precision})

    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    straight, stage = fresh()
    fit(straight, stage, tmp_path / "whole")
    steps = count(1)
    with pytest.raises(Interrupted):
        fit(fresh()[0], stage, tmp_path / "stopped", callbacks=Callbacks(should_stop=lambda: next(steps) == stop))
    resumed, _ = fresh()
    torch.nn.init.zeros_(resumed.modules["discriminator"].head.weight)  # comes from the checkpoint
    fit(resumed, stage, tmp_path / "stopped")
    assert_same(weights(resumed.modules), weights(straight.modules))


# ------------------------------------------------------------------------------------------------- a whole run


def test_a_run_sharpens_the_decoder_and_nothing_else(tmp_path):
    train(adversarial_run(weight=0.0), tmp_path / "off")
    train(adversarial_run(), tmp_path / "on")
    off, on = (VideoModel.load(tmp_path / name / "model").state_dict() for name in ("off", "on"))
    assert off.keys() == on.keys()  # no discriminator
    changed = {name.split(".")[1] for name in off if name.startswith("vae.") and not torch.equal(off[name], on[name])}
    assert changed == {"decoder"}
    stages = json.loads((tmp_path / "on" / "summary.json").read_text())["stages"]
    assert list(stages) == ["vae", "adversarial", "diffusion"] and stages["adversarial"]["steps"] == 2


@pytest.mark.parametrize("trouble", ["nan", "worse"])
def test_where_it_fails_the_vae_is_as_before_and_the_run_says_so(tmp_path, monkeypatch, trouble):
    if trouble == "nan":
        monkeypatch.setattr(adversarial_task, "generator_loss", lambda d, x: x.flatten(1).mean(1) * float("nan"))
        said = "adversarial: loss nan"
    else:
        monkeypatch.setattr(run, "CHECK_EVERY", 1)
        monkeypatch.setattr(adversarial_task, "WORST_LOSS_DB", -50.0)
        said = "PSNR fell from"
    notices = []
    train(adversarial_run(weight=0.0), tmp_path / "off")
    train(adversarial_run(), tmp_path / "on", Callbacks(on_notice=notices.append))
    off, on = (VideoModel.load(tmp_path / name / "model").state_dict() for name in ("off", "on"))
    assert_same({k: v for k, v in on.items() if "vae" in k}, {k: v for k, v in off.items() if "vae" in k})
    assert [said in line and "the VAE is as it was before it" in line for line in notices].count(True) == 1
    summary = json.loads((tmp_path / "on" / "summary.json").read_text())
    assert said in summary["stages"]["adversarial"]["rolled_back"]


def test_a_stage_that_was_given_up_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(adversarial_task, "generator_loss", lambda d, x: x.flatten(1).mean(1) * float("nan"))

    def stop_in_the_last_stage(stage, step, steps, loss):
        if stage == "diffusion":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(adversarial_run(), tmp_path, Callbacks(on_step=stop_in_the_last_stage))
    monkeypatch.setattr(run, "AdversarialTask", type("Never", (), {"name": "adversarial"}))
    notices = []
    train(adversarial_run(), tmp_path, Callbacks(on_notice=notices.append))
    assert not [line for line in notices if "adversarial" in line]


def test_worse_means_by_more_than_the_limit_or_not_a_number():
    task, _ = task_of()
    task.check(task.modules, 1)
    task._before += adversarial_task.WORST_LOSS_DB - 0.01
    task.check(task.modules, 1)
    task._before += 0.02
    with pytest.raises(WorseReconstruction, match=r"PSNR fell from [\d.]+ to [\d.]+ dB by step 7"):
        task.check(task.modules, 7)
    torch.nn.init.constant_(task.modules["vae"].decoder.head.bias, float("nan"))
    with pytest.raises(WorseReconstruction, match="to nan dB"):
        task.check(task.modules, 7)


def test_a_budget_counts_the_stage():
    off, on = (cost_of(adversarial_run(weight=w), "flops").vae for w in (0.0, 0.5))
    assert on > 1.25 * off  # a quarter as many steps, of more than the work of a VAE step
