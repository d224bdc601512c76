"""`mutoscope generate`: files, seeds, formats, and everything that can be wrong with a prompt or a model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.cli import generate
from mutoscope.video.read import read_video

RED, BLUE = "a red 7 moving left", "a blue 3 moving up"


def test_one_file_per_prompt_and_a_contact_sheet(call, smoke_run, tmp_path):
    said = call("generate", RED, BLUE, RED, "--out", tmp_path / "new" / "v", "--model", smoke_run, "--seed", 5)
    names = ["a-red-7-moving-left-5.mp4", "a-blue-3-moving-up-6.mp4", "a-red-7-moving-left-7.mp4"]
    assert said.code == 0
    assert {path.name for path in (tmp_path / "new" / "v").iterdir()} == {*names, "contact_sheet.png"}
    assert all(name in said.out for name in [*names, "contact_sheet.png", "3 videos in "])
    assert read_video(tmp_path / "new" / "v" / names[0]).frames_u8.shape == (17, 256, 256, 3)


def test_json_is_all_that_stdout_holds(call, smoke_run, tmp_path):
    said = call("generate", "--json", RED, "🚀 über", "--out", tmp_path, "--model", smoke_run, "--format", "npy")
    rows = json.loads(said.out)
    assert rows == [
        {"file": str(tmp_path / "a-red-7-moving-left-0.npy"), "prompt": RED, "seed": 0},
        {"file": str(tmp_path / "uber-1.npy"), "prompt": "🚀 über", "seed": 1},
    ]
    assert said.code == 0 and "'🚀'" in said.err and "'über'" in said.err
    array = np.load(rows[0]["file"])
    assert array.dtype == np.uint8 and array.shape == (17, 32, 32, 3)


def test_a_seed_means_one_video_in_any_batch(call, smoke_run, tmp_path):
    common = ["--model", smoke_run, "--format", "npy"]
    call("generate", BLUE, RED, "--seed", 3, "--out", tmp_path / "two", *common)
    call("generate", RED, "--seed", 4, "--out", tmp_path / "one", *common)
    two, one = (np.load(tmp_path / where / "a-red-7-moving-left-4.npy") for where in ("two", "one"))
    assert np.abs(two.astype(int) - one.astype(int)).max() <= 1
    call("generate", RED, "--seed", 5, "--out", tmp_path / "one", *common)
    other = np.load(tmp_path / "one" / "a-red-7-moving-left-5.npy")
    assert np.abs(other.astype(int) - one.astype(int)).max() > 1


def test_more_prompts_than_a_batch(call, smoke_run, tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "BATCH", 2)
    said = call("generate", RED, BLUE, RED, "--json", "--out", tmp_path, "--model", smoke_run, "--steps", 1)
    assert [row["seed"] for row in json.loads(said.out)] == [0, 1, 2]
    assert all(Path(row["file"]).is_file() for row in json.loads(said.out))


@pytest.mark.parametrize(
    ("suffix", "side"), [("mp4", 256), ("webm", 256), ("gif", 256), ("webp", 256), ("npy", 32)]
)  # fmt: skip
def test_formats(call, smoke_run, tmp_path, suffix, side):
    args = ["--format", suffix, "--frames", 5, "--steps", 1, "--sampler", "heun", "--guidance", 1]
    assert call("generate", RED, "--out", tmp_path, "--model", smoke_run, *args).code == 0
    clip = read_video(tmp_path / f"a-red-7-moving-left-0.{suffix}")
    assert clip.frames_u8.shape == (5, side, side, 3)


def test_png_is_a_strip_of_exact_frames(call, smoke_run, tmp_path):
    args = ["--out", tmp_path, "--model", smoke_run, "--frames", 5]
    for suffix in ("png", "npy"):
        call("generate", RED, "--format", suffix, *args)
    frames = np.load(tmp_path / "a-red-7-moving-left-0.npy")
    strip = read_video(tmp_path / "a-red-7-moving-left-0.png").frames_u8[0]
    assert np.array_equal(strip, np.concatenate(list(frames), axis=1))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "there is no prompt. Type e.g. mutoscope generate"),
        ([""], "prompt 1 is empty. Say what to show"),
        ([RED, " \n"], "prompt 2 is empty."),
        (["word " * 500], "the prompt has 500 words, this model reads 15 at most"),
        ([RED] * 20 + ["word " * 500], "the prompt has 500 words"),
        ([RED, "--frames", "16"], "Nearest: 13 or 17."),
        ([RED, "--frames", "0"], "frames: got 0, must be at least 1"),
        ([RED, "--frames", "9999999"], "frames: got 9999999, must be at most 1025"),
        ([RED, "--steps", "0"], "steps: got 0, must be at least 1"),
        ([RED, "--seed", "-1"], "seed: got -1, must be at least 0"),
        ([RED, "--sampler", "eular"], "unknown sampler 'eular'. Did you mean 'euler'? --sampler takes: euler, "),
        ([RED, "--format", "mp5"], "unknown format 'mp5'. Did you mean 'mp4'?"),
        ([RED, "--guidence", "3"], "unknown option '--guidence'. Did you mean '--guidance' or '--guidance-method'?"),
        ([RED, "--guidance", "-1"], "guidance: got -1.0, must be at least 0"),
    ],
)
def test_wrong_requests_make_no_folder(fails, smoke_run, tmp_path, args, message):
    assert message in fails("generate", *args, "--out", tmp_path / "v", "--model", smoke_run)
    assert not (tmp_path / "v").exists()


def test_models_that_are_none(fails, smoke_run, tmp_path, monkeypatch):
    def line(model) -> str:
        return fails("generate", RED, "--out", tmp_path / "v", "--model", model)

    monkeypatch.chdir(smoke_run.parent.parent)
    assert line(tmp_path / "nowhere").startswith(f"{tmp_path}/nowhere does not exist.")
    (tmp_path / "file").write_text("")
    assert "is a file, not a run folder" in line(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert "empty holds no trained model" in line(tmp_path / "empty")

    half = tmp_path / "half"
    (half / "checkpoints").mkdir(parents=True)
    assert "half is not trained to its end yet. Go on: mutoscope train RECIPE" in line(half)

    foreign = tmp_path / "foreign"
    shutil.copytree(smoke_run / "model", foreign)
    (foreign / "config.json").write_text('{"architectures": ["UNet"], "_class_name": "x"}')
    assert "config.json is not a model of this version" in line(foreign)

    cut = tmp_path / "cut"
    shutil.copytree(smoke_run / "model", cut)
    content = (cut / "weights.safetensors").read_bytes()
    (cut / "weights.safetensors").write_bytes(content[: len(content) // 2])
    assert "weights.safetensors is damaged" in line(cut)

    swapped = tmp_path / "swapped"
    shutil.copytree(smoke_run / "model", swapped)
    config = json.loads((swapped / "config.json").read_text())
    config["denoiser"]["depth"] += 1
    (swapped / "config.json").write_text(json.dumps(config))
    assert "does not fit its config.json" in line(swapped)

    words = tmp_path / "words"
    shutil.copytree(smoke_run / "model", words)
    (words / "tokenizer.json").write_text("{")
    assert "tokenizer.json is not a tokenizer" in line(words)
    assert not (tmp_path / "v").exists()


def test_a_full_disk_leaves_no_half_video(fails, smoke_run, tmp_path, monkeypatch):
    from mutoscope.video import write

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    line = fails("generate", RED, "--out", tmp_path / "v", "--model", smoke_run)
    assert line.startswith(f"{tmp_path}/v/a-red-7-moving-left-0.mp4: the disk is full. Free some space")
    assert list((tmp_path / "v").iterdir()) == []


@given(st.text(max_size=300))
def test_any_prompt_gives_a_file_name(prompt):
    name = generate.slug(prompt)
    assert 1 <= len(name) <= 60 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert name == generate.slug(name)


def test_slugs():
    assert generate.slug("A red 7, moving left!") == "a-red-7-moving-left"
    assert generate.slug("../../etc/passwd") == "etc-passwd"
    assert generate.slug("🚀") == "video"
