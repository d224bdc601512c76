"""Training on a folder of clips: whole, stopped and gone on with, and with clips of several shapes."""

from pathlib import Path

import pytest
import torch
from folder_of_clips import make_folder
from safetensors.torch import load_file
from tiny import tiny_run

from mutoscope.cli.main import main
from mutoscope.data.config import ClipsConfig
from mutoscope.training.callbacks import Callbacks
from mutoscope.training.run import train
from mutoscope.training.trainer import Interrupted


def own_run(folder, **changes):
    data = ClipsConfig(folder=str(folder), num_frames=5, height=16, width=16, fps=10.0)
    vae = {"vae": tiny_run().vae.model_copy(update={"temporal_stride": 4})}
    return tiny_run(**({"data": data} | vae | changes))


def weights(run):
    return load_file(run / "model" / "weights.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("own")
    make_folder(path, (9, 12))
    return path


def test_a_stopped_run_ends_as_an_uninterrupted_one(folder, tmp_path):
    config = own_run(folder)
    whole = train(config, tmp_path / "whole")
    for stops in (3, 8, 100):  # in the VAE, in the diffusion stage, never
        steps = []
        callbacks = Callbacks(
            on_step=lambda stage, step, total, loss, steps=steps: steps.append(step),
            should_stop=lambda steps=steps, stops=stops: len(steps) >= stops,
        )
        try:
            train(config, tmp_path / "halves", callbacks)
        except Interrupted:
            continue
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, weights(tmp_path / "halves")[name]), name


def test_clips_of_several_shapes_train_together(folder, tmp_path):
    make_folder(folder / "tall", (9,), 36, 24)
    lines = (folder / "manifest.jsonl").read_text()
    extra = (folder / "tall" / "manifest.jsonl").read_text().replace("0.mp4", "tall/0.mp4")
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in ("0.mp4", "1.mp4", "tall"):
        (mixed / name).symlink_to(folder / name)
    (mixed / "manifest.jsonl").write_text(lines + extra)
    data = ClipsConfig(folder=str(mixed), num_frames=5, height=16, width=16, fps=10.0, buckets=((5, 24, 16),))
    run = train(own_run(folder, data=data), tmp_path / "run")
    assert (run / "model" / "weights.safetensors").is_file()
    assert all(torch.isfinite(tensor).all() for tensor in weights(run).values())


def test_from_the_command_line(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps = "--training.steps 1 --vae-training.steps 1 --cached-clips 2 --vae.width 8 --vae.depth 1 --denoiser.depth 2"
    size = "--data.num-frames 5 --data.height 16 --data.width 16 --data.fps 10 --training.batch-size 2"
    assert main(["train", "clips", "--data.folder", str(folder), *steps.split(), *size.split()]) == 0
    assert "trained in" in capsys.readouterr().out
    assert main(["train", "clips", "--data.folder", "nowhere", "--out", "other"]) == 2
    assert "nowhere does not exist. Make one: mutoscope data scan" in capsys.readouterr().err
    assert not Path("other").exists()
