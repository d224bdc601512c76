"""`mutoscope evaluate`: the glue between a run folder, the evaluation and the page."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from folder_of_clips import make_folder
from tiny import tiny_run

from mutoscope.cli import evaluate as verb
from mutoscope.data.config import ClipsConfig
from mutoscope.diffusion.config import DiffusionConfig
from mutoscope.evaluation import evaluate as module
from mutoscope.evaluation.clips_result import ClipsEvaluation
from mutoscope.evaluation.features import train_features
from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.result import Evaluation
from mutoscope.training.run import train


@pytest.fixture
def quick(monkeypatch):
    """A judge and a feature network that have learned nothing: what they say does not matter here."""
    monkeypatch.setattr(module, "load_or_train_judge", lambda config, cache: train_judge(config, steps=2))
    monkeypatch.setattr(module, "FEATURE_CLIPS", 16)
    monkeypatch.setattr(module, "train_features", lambda *args, **more: train_features(*args, **more, steps=2))


@pytest.fixture
def run(smoke_run, tmp_path) -> Path:
    return Path(shutil.copytree(smoke_run, tmp_path / "run"))


def test_numbers_page_and_table(call, run, quick):
    said = call("evaluate", run, "--prompts", 8, "--seed", 3)
    assert said.code == 0, said.err
    found = Evaluation.model_validate_json((run / "evaluation.json").read_text())
    assert found.num_prompts == 8 and found.seed == 3 and found.reconstruction is not None
    assert len(found.clips) == 8
    page = (run / "report.html").read_text()
    assert all(verdict.prompt in page for verdict in found.clips)
    assert "mutoscope train smoke" in page and "http://" not in page.replace("http://www.w3.org", "")
    for words in (
        "all correct",
        "identity",
        "direction",
        "VAE PSNR",
        "ceiling",
        "floor",
        "report.html",
        "evaluation.json",
    ):
        assert words in said.out
    assert not list(run.glob("*.part"))
    one = json.loads((run / "evaluations.jsonl").read_text().splitlines()[-1])
    assert one["adherence"] == json.loads((run / "evaluation.json").read_text())["adherence"]
    assert one["step"] == 6 and one["at"].startswith("20") and "clips" not in one
    assert "videos 0/8" in (run / "log.txt").read_text()


def test_rows_show_value_interval_ceiling_floor(call, run, quick):
    call("evaluate", run, "--prompts", 8)
    values = json.loads((run / "evaluation.json").read_text())
    values["adherence"]["all"]["all_correct"] |= {
        "value": 0.72,
        "low": 0.66,
        "high": 0.77,
        "ceiling": 0.96,
        "floor": 0.01,
    }
    rows = list(verb.rows(Evaluation.model_validate(values)))
    assert rows[0] == ("all correct", "72.0%", "66.0% – 77.0%", "96.0%", "1.0%", "75%")


def test_seeds_training_clips_and_i3d(call, run, quick, tmp_path):
    class Tiny(torch.nn.Module):
        def forward(self, x: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:
            return x.mean(dim=(2, 3, 4))

    torch.jit.script(Tiny()).save(str(tmp_path / "i3d.pt"))
    said = call("evaluate", run, "--prompts", 8, "--seeds", 2, "--i3d", tmp_path / "i3d.pt")
    assert said.code == 0, said.err
    found = Evaluation.model_validate_json((run / "evaluation.json").read_text())
    assert found.over_seeds is not None and len(found.over_seeds["identity"].values) == 2
    assert found.memorisation is not None and found.memorisation.training_clips == 16  # cached clips of the run
    assert found.fvd is not None and found.fvd.protocol == "fvd-i3d-8_17f"
    assert "videos 0/16" in (run / "log.txt").read_text()
    page = (run / "report.html").read_text()
    for words in (
        "fvd-i3d-8_17f",
        found.fvd.detector,
        "all correct, 2 seeds: ",
        "nearest to a training clip",
        "flicker",
    ):
        assert words in said.out, words
    for words in ("fvd-i3d-8_17f", found.fvd.detector, "2 seeds", "16 training clips looked at", "Frame by frame"):
        assert words in page, words


@pytest.mark.parametrize("sprites", ["disc", "shapes"])
def test_other_sprites(call, quick, short, tmp_path, sprites):
    data = ["--data.sprites", sprites, "--data.num-frames", 9]
    if sprites == "disc":
        data += ["--data.colours", "--data.directions", "right", "left", "--vae.channels", 1]
    assert call("train", "smoke", "--out", tmp_path / "run", *short, *data).code == 0
    said = call("evaluate", tmp_path / "run", "--prompts", 8)
    assert said.code == 0, said.err
    names = {line.split("│")[1].strip() for line in said.out.splitlines() if "│" in line}
    page = (tmp_path / "run" / "report.html").read_text()
    single = {"area", "area error"}
    several = {"identity", "colour", "persistence", "never-seen ones", "seen combinations"}
    assert names & (single | several) == (single if sprites == "disc" else several)
    assert ("never seen in training" in page) == ("Persistence" in page) == (sprites == "shapes")


def test_an_i3d_file_is_looked_at_before_any_work(fails, run, tmp_path):
    (tmp_path / "i3d.pt").write_text("no network")
    assert "i3d.pt is not TorchScript; give the file" in fails("evaluate", run, "--i3d", tmp_path / "i3d.pt")
    assert "none.pt is not a file; give the TorchScript file" in fails("evaluate", run, "--i3d", tmp_path / "none.pt")
    config = json.loads((run / "config.json").read_text())
    config["data"]["num_frames"] = 9
    (run / "config.json").write_text(json.dumps(config))
    assert "clips of 9 frames are too short for FVD" in fails("evaluate", run, "--i3d", tmp_path / "i3d.pt")
    assert not (run / "evaluation.json").exists()


def test_out_of_another_folder(call, run, quick, tmp_path):
    assert call("evaluate", run, "--prompts", 8, "--out", tmp_path / "elsewhere").code == 0
    assert (tmp_path / "elsewhere" / "report.html").is_file() and not (run / "report.html").exists()


def test_the_packaged_model_by_name(call, smoke_run, quick, tmp_path, monkeypatch):
    import mutoscope.pipeline

    monkeypatch.setattr(mutoscope.pipeline, "PACKAGED_MODEL", smoke_run / "model")
    monkeypatch.chdir(tmp_path)
    assert call("evaluate", "packaged", "--prompts", 8).code == 0
    assert {path.name for path in Path("runs/packaged-evaluation").iterdir()} >= {"evaluation.json", "report.html"}


def test_an_interrupted_page_leaves_the_old_one(call, run, quick, monkeypatch):
    from mutoscope.evaluation import report

    (run / "report.html").write_text("old")

    def full(*args, **more):
        raise OSError(28, "No space left on device", "report.html")

    monkeypatch.setattr(report, "write_report", full)
    said = call("evaluate", run, "--prompts", 8)
    assert said.code == 2 and "the disk is full" in said.err
    assert (run / "report.html").read_text() == "old" and not list(run.glob("*.part"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "RUN is missing. Type: mutoscope evaluate RUN"),
        (["nowhere"], "nowhere does not exist. Train one: mutoscope train demo --out runs/demo"),
        (["."], ". holds no run (config.json is missing)."),
        (["nowhere", "--prompts", "0"], "prompts: got 0, must be at least 8"),
        (["nowhere", "--seeds", "0"], "seeds: got 0, must be at least 1"),
    ],
)
def test_mistakes(fails, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    assert message in fails("evaluate", *args)
    assert list(tmp_path.iterdir()) == []


def test_other_runs_are_offered(fails, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").write_text("{}")
    assert "Runs here: runs/mine." in fails("evaluate", "runs/mein")


def test_a_config_of_another_version_is_named(fails, run):
    config = json.loads((run / "config.json").read_text())
    config["training"]["stepz"] = config["training"].pop("steps")
    (run / "config.json").write_text(json.dumps(config))
    line = fails("evaluate", run)
    assert "config.json is not a run of this version" in line and "training.stepz" in line


def test_command_of_a_run(run, tmp_path):
    assert verb.command_of(run).startswith("mutoscope train smoke --out")
    assert verb.command_of(tmp_path / "none") == ""


@pytest.fixture(scope="module")
def own_run(tmp_path_factory) -> Path:
    """A model of three clips of one's own, trained for a moment, that goes on from given frames."""
    place = tmp_path_factory.mktemp("own")
    make_folder(place / "clips", (9, 12, 60), test=1)
    config = tiny_run(
        data=ClipsConfig(folder=str(place / "clips"), num_frames=5, height=16, width=16, fps=10.0),
        vae=tiny_run().vae.model_copy(update={"temporal_stride": 4}),
        diffusion=DiffusionConfig(prefix_share=0.5),
    )
    return train(config, place / "run")


def test_own_clips_are_measured_by_the_nearest_one(call, own_run):
    said = call("evaluate", own_run, "--prompts", 8)
    assert said.code == 0, said.err
    found = ClipsEvaluation.model_validate_json((own_run / "evaluation.json").read_text())
    assert found.num_captions == 2 and len(found.clips) == 8 and found.unseen is not None
    assert found.continuation is not None and found.continuation.frames == 16 and not found.missing
    page = (own_run / "report.html").read_text()
    for words in (
        "Right caption",
        "a block over pattern 1",
        "Last frame repeated",
        "Clips that were continued",
        "<svg",
    ):
        assert words in page, words
    assert "http://" not in page.replace("http://www.w3.org", "")
    for words in ("caption of nearest", "VAE PSNR, unseen", "PSNR, 16 frames on", "report.html"):
        assert words in said.out, words


def test_options_that_need_a_known_truth_are_refused_for_own_clips(call, own_run):
    said = call("evaluate", own_run, "--seeds", 2)
    assert said.code == 2 and "--i3d and --seeds are for the built-in sets" in said.err
