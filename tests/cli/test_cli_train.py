"""`mutoscope train`: run folder, stop and go on, and everything that can be wrong with it."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from mutoscope.cli import progress, train
from mutoscope.recipes import RECIPES
from mutoscope.video.read import read_video


def weights(run: Path) -> bytes:
    return (run / "model" / "weights.safetensors").read_bytes()


def stop_at(monkeypatch, stage: str, step: int, number: signal.Signals = signal.SIGINT) -> None:
    """Send the process a signal when this step is reported."""
    update = progress.Progress.update

    def with_signal(self, now, done, steps, loss):
        update(self, now, done, steps, loss)
        if (now, done) == (stage, step):
            os.kill(os.getpid(), number)

    monkeypatch.setattr(progress.Progress, "update", with_signal)


def test_without_a_recipe_it_lists_them(call):
    said = call("train")
    assert said.code == 0
    for name, recipe in RECIPES.items():
        assert f"\n  {name} " in said.out and recipe.__doc__.strip().splitlines()[0] in said.out


def test_a_run_leaves_what_others_read(smoke_run):
    rows = [json.loads(line) for line in (smoke_run / "metrics.jsonl").read_text().splitlines()]
    assert {row["stage"] for row in rows} == {"vae", "diffusion"}
    assert set(json.loads((smoke_run / "summary.json").read_text())["stages"]) == {"vae", "diffusion"}
    log = (smoke_run / "log.txt").read_text()
    for words in (
        "mutoscope train smoke --out",
        "VAE 6/6",
        "encoding clips 16/16",
        "diffusion 6/6",
        "samples: ",
        "done after",
    ):
        assert words in log
    sheet, moving = (smoke_run / "samples" / f"step-000006.{suffix}" for suffix in ("png", "webp"))
    assert read_video(sheet).frames_u8.shape[0] == 1
    assert read_video(moving).frames_u8.shape == (17, 96, 192, 3)


def test_the_end_says_where_and_what_next(tmp_path):
    config = RECIPES["smoke"]()
    text = train.ending(config, tmp_path / "my run", 75.0)
    assert text.startswith(f"trained in 1 min 15 s: {tmp_path}/my run\n")
    assert f"mutoscope generate 'a red 7 moving left' --model '{tmp_path}/my run'" in text
    assert f"mutoscope evaluate '{tmp_path}/my run'" in text


def test_a_finished_run_is_reused(smoke_run, short, call, tmp_path):
    run = Path(shutil.copytree(smoke_run, tmp_path / "copy"))
    metrics = (run / "metrics.jsonl").read_text()
    said = call("train", "smoke", "--out", run, *short)
    assert said.code == 0 and "next:" in said.out
    assert weights(run) == weights(smoke_run) and (run / "metrics.jsonl").read_text() == metrics


@pytest.mark.parametrize(
    ("stage", "step", "number"),
    [("vae", 3, signal.SIGINT), ("encode", 16, signal.SIGINT), ("diffusion", 2, signal.SIGTERM)],
)
def test_stopped_and_gone_on_with_is_the_run_that_was_not(
    smoke_run, short, call, monkeypatch, tmp_path, stage, step, number
):
    out = tmp_path / "a run"
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        stop_at(patched, stage, step, number)
        said = call("train", "smoke", "--out", out, *short)
    command = f"mutoscope train smoke --out '{out}' {' '.join(short)}"
    where = {"vae": "vae stopped after step 3 of 6", "encode": "stopped while encoding clips, 16 of 16"}
    where["diffusion"] = "diffusion stopped after step 2 of 6"
    assert said.code == 0 and said.out == "" and f"{where[stage]}. Saved; go on with: {command}\n" in said.err
    assert f"go on with: {command}" in (out / "log.txt").read_text()
    assert not (out / "model").exists()
    assert signal.getsignal(signal.SIGINT) is before
    assert call("train", "smoke", "--out", out, *short).code == 0
    assert weights(out) == weights(smoke_run)


def test_the_second_ctrl_c_stops_at_once(short, call, monkeypatch, tmp_path):
    stop_at(monkeypatch, "vae", 2)
    stop_at(monkeypatch, "vae", 2)
    said = call("train", "smoke", "--out", tmp_path / "run", *short)
    assert said.code == 130 and said.err.endswith("mutoscope: stopped.\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["smok"], "unknown recipe 'smok'. Did you mean 'smoke'? Recipes: smoke, demo,"),
        (["--out", "x"], "got '--out' where the recipe goes. Type: mutoscope train RECIPE --out …"),
        (["smoke", "--data.num-frames", "16"], "Nearest: 13 or 17."),
        (["smoke", "--vae.channels", "1"], "vae.channels=1 does not fit clips of 3 channels. Use --vae.channels 3."),
        (["smoke", "--training.steps", "-3"], "training.steps: got -3, must be at least 1"),
        (["smoke", "--sampling.sampler", "eulr"], "unknown sampler 'eulr'. Did you mean 'euler'?"),
        (["smoke", "--data.digits", "/nowhere"], "/nowhere"),
    ],
)
def test_wrong_settings_leave_no_folder(fails, monkeypatch, tmp_path, args, message):
    monkeypatch.chdir(tmp_path)
    assert message in fails("train", *args)
    assert list(tmp_path.iterdir()) == []


def test_another_run_in_the_folder_is_not_overwritten(smoke_run, fails):
    before = weights(smoke_run)
    line = fails("train", "smoke", "--out", smoke_run)
    assert "holds a run with other settings" in line and "Choose another --out" in line
    assert weights(smoke_run) == before


def test_a_broken_config_in_the_folder(fails, tmp_path):
    (tmp_path / "config.json").write_text("{")
    assert "config.json cannot be read" in fails("train", "smoke", "--out", tmp_path)


def test_a_truncated_checkpoint_is_set_aside_and_the_one_before_it_used(smoke_run, short, call, fails, tmp_path):
    run = Path(shutil.copytree(smoke_run, tmp_path / "copy"))
    shutil.rmtree(run / "model")  # else the run is finished, and left alone
    before, newest = sorted((run / "checkpoints").glob("vae-*"))
    truncate(newest)
    said = call("train", "smoke", "--out", run, *short)
    assert said.code == 0 and f"checkpoint {newest.name} is damaged" in said.err and "the one before it" in said.err
    assert (run / "checkpoints" / f"damaged-{newest.name}.0").is_dir()
    assert weights(run) == weights(smoke_run)

    shutil.rmtree(run / "model")
    for checkpoint in (before, newest):
        truncate(checkpoint)
    assert "like every other of stage vae. To begin it anew, remove" in fails("train", "smoke", "--out", run, *short)


def truncate(checkpoint: Path) -> None:
    content = (checkpoint / "state.safetensors").read_bytes()
    (checkpoint / "state.safetensors").write_bytes(content[: len(content) // 2])


def test_a_file_where_the_folder_goes(fails, tmp_path):
    (tmp_path / "file").write_text("")
    assert fails("train", "smoke", "--out", tmp_path / "file" / "run").startswith(
        f"{tmp_path}/file: a file is in the way"
    )


def test_no_permission(fails, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    assert fails("train", "smoke", "--out", tmp_path / "run").startswith(f"{tmp_path}: permission denied.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_for_real(fails, tmp_path):
    tmp_path.chmod(0o500)
    assert "permission denied" in fails("train", "smoke", "--out", tmp_path / "run")


def test_nan_names_the_step_and_the_last_good_checkpoint(short, fails, monkeypatch, tmp_path):
    import torch

    from mutoscope.training import vae_task

    true_loss = vae_task.VAETask.loss

    def ill(self, modules, indices):
        loss = true_loss(self, modules, indices)
        return loss * torch.nan if indices[0] >= 6 else loss  # from the fourth step of two clips on

    monkeypatch.setattr(vae_task.VAETask, "loss", ill)
    every = ["--vae-training.checkpoint-every", "3"]
    line = fails("train", "smoke", "--out", tmp_path / "run", *short, *every)
    assert "loss nan" in line and "at step 4" in line and "checkpoints/vae-0000003" in line
    assert "at step 4" in (tmp_path / "run" / "log.txt").read_text()


def test_samples_of_an_ill_model_do_not_stop_training(tmp_path):
    class Ill:
        def generate_many(self, prompts, seeds):
            raise ValueError("frames hold 3 values that are nan")

    import mutoscope.pipeline

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mutoscope.pipeline, "Pipeline", lambda model: Ill())
        said = train.write_samples(None, tmp_path, 7)  # pyright: ignore[reportArgumentType]
    assert said == "no samples at step 7: frames hold 3 values that are nan"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True).returncode
    ):
        pytest.skip("a small disk can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_keeps_what_was_saved(short, call, fails, small_disk):
    run = small_disk / "run"
    line = fails("train", "smoke", "--out", run, *short)
    assert ": the disk is full. Free some space" in line and "What was saved is kept; mutoscope train smoke" in line
    kept = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert kept == ["vae-0000000", "vae-0000006"] and (run / "config.json").is_file()


def test_a_full_disk_while_the_model_is_saved(short, fails, monkeypatch, tmp_path):
    from safetensors import SafetensorError

    from mutoscope import model

    def full(tensors, path):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(model, "save_file", full)
    line = fails("train", "smoke", "--out", tmp_path / "run", *short)
    assert f"{tmp_path}/run/model/weights.safetensors: the disk is full." in line
    assert not list((tmp_path / "run" / "model").glob("weights*"))


def test_options_are_those_of_the_recipes_own_network_and_space(call):
    config, out = train.options_for("disc_unet", ["--denoiser.mixing", "conv3d", "--vae.latent-channels", "2"])
    assert config.denoiser.mixing == "conv3d" and config.vae.latent_channels == 2 and out == Path("runs/disc_unet")
    for recipe, option in (
        ("disc_unet", "--denoiser.mlp-ratio"),
        ("disc_dit", "--denoiser.mixing"),
        ("disc_conv3d", "--vae.width"),
    ):
        said = call("train", recipe, option, "2")
        assert said.code == 2 and said.err.startswith(f"mutoscope: unknown option '{option}'")
