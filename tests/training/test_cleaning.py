"""What goes from a run folder, and that nothing is missing afterwards."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny import tiny_run

from mutoscope.model import VideoModel
from mutoscope.training.callbacks import Callbacks
from mutoscope.training.cleaning import clean, leftovers
from mutoscope.training.lock import sole_use
from mutoscope.training.run import train
from mutoscope.training.trainer import Interrupted


def model_bytes(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / "model").iterdir())}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def kinds(found) -> set[str]:
    return {leftover.what for leftover in found}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    return train(tiny_run(), tmp_path_factory.mktemp("straight") / "run")


@pytest.fixture
def done(straight, tmp_path):
    """A finished run that may be changed."""
    return Path(shutil.copytree(straight, tmp_path / "run"))


@pytest.fixture
def stopped(tmp_path):
    """Stopped after 5 of 6 steps of the last stage, with the checkpoints 4 and 5 of it."""
    steps = []
    watching = Callbacks(
        on_step=lambda stage, step, total, loss: steps.append(step) if stage != "encode" else None,
        should_stop=lambda: len(steps) == 11,
    )
    with pytest.raises(Interrupted):
        train(tiny_run(), tmp_path / "stopped", watching)
    return tmp_path / "stopped"


def test_a_stopped_run_is_the_run_without_a_stop_after_it(stopped, straight):
    half, damaged = (
        stopped / "checkpoints" / ".diffusion-0000006.part",
        stopped / "checkpoints" / "damaged-vae-0000002.0",
    )
    for folder in (half, damaged):
        folder.mkdir()
        (folder / "state.safetensors").write_bytes(b"half")
    (stopped / "cache" / "latents" / "000001.safetensors.part").write_bytes(b"half")
    latents = names(stopped / "cache" / "latents") - {"000001.safetensors.part"}
    assert kinds(clean(stopped)) == {"older checkpoints", "damaged checkpoints", "half-written files"}
    assert names(stopped / "checkpoints") == {"vae-0000006", "diffusion-0000005"}
    assert names(stopped / "cache" / "latents") == latents
    assert leftovers(stopped) == []
    steps: list[tuple[str, int]] = []
    train(tiny_run(), stopped, Callbacks(on_step=lambda stage, step, total, loss: steps.append((stage, step))))
    assert steps == [("diffusion", 6)]  # nothing was done again
    assert model_bytes(stopped) == model_bytes(straight)


def test_the_older_checkpoint_stays_where_the_newest_is_damaged(stopped, straight):
    file = stopped / "checkpoints" / "diffusion-0000005" / "state.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert {path.path.name for path in leftovers(stopped, unverified=True)} == {"vae-0000004", "diffusion-0000004"}
    assert [leftover.path.name for leftover in clean(stopped)] == ["vae-0000004"]
    assert names(stopped / "checkpoints") == {"vae-0000006", "diffusion-0000004", "diffusion-0000005"}
    train(tiny_run(), stopped)
    assert model_bytes(stopped) == model_bytes(straight)


def test_of_a_finished_run_goes_what_only_training_needs(done, straight):
    save_file({"weights": torch.ones(1)}, done / "cache" / "judge-1-abc-0.safetensors")
    save_file({"tokens": torch.ones(9)}, done / "cache" / "text.safetensors")
    (done / "report.html.part").write_text("evaluate is writing this")
    before, size = names(done), sum(file.stat().st_size for file in done.rglob("*") if file.is_file())
    found = clean(done)
    assert kinds(found) == {"checkpoints", "latents", "embedded captions"}
    left = sum(file.stat().st_size for file in done.rglob("*") if file.is_file())
    assert sum(leftover.num_bytes for leftover in found) == size - left
    assert names(done) == before - {"checkpoints"} and names(done / "cache") == {"judge-1-abc-0.safetensors"}
    assert clean(done) == []
    train(tiny_run(), done, Callbacks(on_step=lambda *told: pytest.fail("it trained again")))
    assert not (done / "checkpoints").exists() and model_bytes(done) == model_bytes(straight)
    VideoModel.load(done / "model")


def test_checkpoints_stay_where_the_model_can_only_be_made_from_them(done):
    weights, before = done / "model" / "weights.safetensors", names(done / "checkpoints")
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ValueError, match="is damaged"):
        clean(done)
    assert names(done / "checkpoints") == before


def test_what_training_has_not_written_stays(done):
    foreign = [done / "checkpoints" / "notes.txt", done / "cache" / "latents" / "mine.safetensors"]
    foreign += [done / "checkpoints" / "best-0000100" / "state.json", done / "cache" / "mine.part"]
    for file in foreign:
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
    clean(done)
    assert all(file.read_text() == "mine" for file in foreign)
    assert names(done / "checkpoints") == {"notes.txt", "best-0000100"}


@pytest.mark.parametrize("linked", ["checkpoints", "cache", "cache/latents", "one checkpoint", "inside a checkpoint"])
def test_nothing_behind_a_link_is_touched(done, tmp_path, linked):
    outside, checkpoint = tmp_path / "outside", done / "checkpoints" / "vae-0000006"
    if linked == "inside a checkpoint":
        outside.mkdir()
        (outside / "mine.txt").write_text("mine")
        (checkpoint / "link").symlink_to(outside)
    else:
        link = checkpoint if linked == "one checkpoint" else done / linked
        shutil.move(link, outside)
        link.symlink_to(outside)
    before = {file: file.read_bytes() for file in outside.rglob("*") if file.is_file()}
    assert before
    gone = clean(done)
    assert {file: file.read_bytes() for file in outside.rglob("*") if file.is_file()} == before
    assert gone and (linked == "inside a checkpoint" or link.is_symlink())
    assert checkpoint.exists() == (linked in ("checkpoints", "one checkpoint"))


def test_a_run_in_use_is_refused(done):
    before = names(done / "checkpoints")
    with sole_use(done), pytest.raises(ValueError, match="is in use by process"):
        clean(done)
    assert names(done / "checkpoints") == before


@pytest.mark.parametrize("content", ['{"training": ', '{"colour": 3}', "[]"])
def test_a_run_that_cannot_be_read_is_left_alone(done, content):
    (done / "config.json").write_text(content)
    before = names(done / "checkpoints")
    with pytest.raises(ValueError, match=r"RunConfig"):
        clean(done)
    assert names(done / "checkpoints") == before


def test_killed_while_cleaning_a_stopped_run_still_resumes(stopped, straight, monkeypatch):
    class Killed(BaseException):
        pass

    def strike(folder, ignore_errors=False):
        if Path(folder).exists():
            (Path(folder) / "state.safetensors").unlink()
            raise Killed

    monkeypatch.setattr(shutil, "rmtree", strike)
    with pytest.raises(Killed):
        clean(stopped)
    monkeypatch.undo()
    assert [leftover.what for leftover in leftovers(stopped)] == ["older checkpoints", "half-written files"]
    train(tiny_run(), stopped)
    assert model_bytes(stopped) == model_bytes(straight)


def test_kinds_of_checkpoints_are_those_of_the_tasks():
    from mutoscope.training.adversarial_task import AdversarialTask
    from mutoscope.training.diffusion_task import DiffusionTask
    from mutoscope.training.vae_task import VAETask

    sharp = tiny_run().vae.model_copy(update={"adversarial_weight": 0.5})
    assert list(tiny_run().stages) == [VAETask.name, DiffusionTask.name]
    assert list(tiny_run(vae=sharp).stages) == [VAETask.name, AdversarialTask.name, DiffusionTask.name]
