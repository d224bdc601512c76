"""`mutoscope generate`: files, seeds, formats, and everything that can be wrong with a prompt or a model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHORT
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.cli import generate_files
from mutoscope.cli.generate_files import slug
from mutoscope.cli.main import main
from mutoscope.model import VideoModel
from mutoscope.pipeline import GenerateRequest, Pipeline
from mutoscope.video.read import read_video
from mutoscope.video.write import VideoWriter, write_video

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
    monkeypatch.setattr(generate_files, "BATCH", 2)
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
        ([RED, "--frames", "9999999"], "frames: got 9999999, must be at most 100001"),
        ([RED, "--frames", "2049"], "2049 frames are too many: this model was not trained to go on"),
        ([RED, "--steps", "0"], "steps: got 0, must be at least 1"),
        ([RED, "--seed", "-1"], "seed: got -1, must be at least 0"),
        ([RED, "--sampler", "eular"], "unknown sampler 'eular'. Did you mean 'euler'? --sampler takes: euler, "),
        ([RED, "--format", "mp5"], "unknown format 'mp5'. Did you mean 'mp4'?"),
        ([RED, "--guidence", "3"], "unknown option '--guidence'. Did you mean '--guidance' or '--guidance-method'?"),
        ([RED, "--guidance", "-1"], "guidance: got -1.0, must be at least 0"),
        ([RED, "--guidance-method", "cfg"], "unknown guidance-method 'cfg'. --guidance-method takes: classifier_free,"),
        ([RED, "--guidance-rescale", "2"], "guidance_rescale: got 2.0, must be at most 1"),
        ([RED, "--eta", "0.5"], "eta=0.5 needs sampler=ddim, got sampler=dpmpp_2m"),
        ([RED, "--eta", "2"], "eta: got 2.0, must be at most 1"),
        ([RED, "--negative", "blue", "--guidance", "1"], "with guidance 1 (off) a negative prompt changes nothing"),
        ([RED, "--negative", "word " * 500], "the prompt has 500 words"),
        ([RED, "--history-guidance", "-1"], "history_guidance: got -1.0, must be at least 0"),
        ([RED, "--size", "32"], "--size needs 2 values"),
        ([RED, "--size", "30", "32"], "height and width must be multiples of 4. Nearest: 32x32"),
        ([RED, "--size", "4", "32"], "size.0: got 4, must be at least 8"),
        ([RED, "--first-frame", "none.png"], "none.png does not exist; check the spelling"),
        ([RED, "--between", "none.png", "two.png"], "none.png does not exist"),
        ([RED, "--between", "one.png"], "--between needs 2 values"),
        ([RED, "--continue", "none.mp4"], "none.mp4 does not exist"),
        (["--first-frame", BLUE], "there is no prompt"),
        ([RED, "--first-frame", BLUE], f"--first-frame: {BLUE} does not exist. If it is a prompt, put prompts before"),
        ([RED, "--first-frame", "a", "--continue", "b"], "--first-frame and --continue say different things"),
        (
            [RED, "--first-frame", "a", "b", "c"],
            "--first-frame got 3 files for 1 prompts. Give one for all, or one per",
        ),
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


def options_matter(call, model, folder, *options) -> bool:
    """Whether the exact frames of a video change with these options."""
    for name, more in (("plain", ()), ("other", options)):
        said = call("generate", RED, "--out", folder / name, "--model", model, "--format", "npy", "--steps", 3, *more)
        assert said.code == 0, said.err
    plain, other = (np.load(folder / name / "a-red-7-moving-left-0.npy") for name in ("plain", "other"))
    return plain.shape != other.shape or bool((plain != other).any())


@pytest.fixture(scope="module")
def awake_run(smoke_run, tmp_path_factory):
    """The tiny run's model, with a network that speaks loudly enough for options to show in bytes."""
    folder = tmp_path_factory.mktemp("runs") / "awake"
    model = VideoModel.load(smoke_run / "model")
    g = torch.Generator().manual_seed(0)
    for parameter in model.denoiser.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=g)
    model.save(folder / "model")
    return folder


@pytest.mark.parametrize(
    "options",
    [
        ("--sampler", "ddim", "--eta", "0.8"),
        ("--guidance-method", "cfg_zero_star"),
        ("--guidance-rescale", "0.9"),
        ("--guidance", "7"),
        ("--negative", BLUE),
        ("--size", "32", "40"),
    ],
    ids=lambda options: options[0],
)
def test_options_matter(call, awake_run, tmp_path, options):
    assert options_matter(call, awake_run, tmp_path, *options)


def test_eta_is_the_samplers_own(call, awake_run, tmp_path):
    common = ["--sampler", "ddim", "--steps", 3, "--format", "npy", "--model", awake_run]
    for eta in ("0", "0.8"):
        call("generate", RED, "--eta", eta, "--out", tmp_path / eta, *common)
    none, much = (np.load(tmp_path / eta / "a-red-7-moving-left-0.npy") for eta in ("0", "0.8"))
    assert (none != much).any()
    expected = Pipeline.load(awake_run).generate(RED, 0, steps=3, sampler="ddim", eta=0.8)
    assert np.array_equal(much, expected)


def test_the_weak_model_guides(call, fails, awake_run, smoke_run, tmp_path):
    assert options_matter(call, awake_run, tmp_path, "--weak-model", smoke_run)
    line = fails("generate", RED, "--model", awake_run, "--weak-model", tmp_path / "nowhere", "--out", tmp_path / "v")
    assert line.startswith(f"{tmp_path}/nowhere does not exist.")
    line = fails(
        "generate", RED, "--model", awake_run, "--weak-model", smoke_run, "--negative", BLUE, "--out", tmp_path / "v"
    )
    assert "a negative prompt or a weak model. Leave one of them out" in line


# --------------------------------------------------------------------------------- given frames, long videos


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    """A run whose model was trained with given frames: clips of 17 frames, 5 latent ones."""
    out = tmp_path_factory.mktemp("runs") / "long"
    mix = ["--diffusion.prefix-share", "0.3", "--diffusion.between-share", "0.1", "--diffusion.sorted-share", "0.2"]
    assert main(["train", "smoke", "--out", str(out), *SHORT, *mix]) == 0
    return out


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A picture of 48 x 64 and a clip of 32 x 32, 24 frames at 16 frames per second: twice the model's rate."""
    folder = tmp_path_factory.mktemp("given")
    g = np.random.default_rng(0)
    smooth = np.kron(g.integers(0, 256, (24, 4, 4, 3), dtype=np.uint8), np.ones((1, 8, 8, 1), np.uint8))
    write_video(folder / "picture.png", np.kron(smooth[:1, :24], np.ones((1, 2, 2, 1), np.uint8))[:, :48], 8)
    write_video(folder / "clip.mp4", smooth, 16)
    return folder


def test_a_long_video_begins_with_the_short_one(call, long_run, tmp_path):
    for name, frames in (("short", 17), ("long", 65)):
        said = call("generate", RED, BLUE, "--frames", frames, "--out", tmp_path / name, "--format", "npy",
                    "--model", long_run, "--steps", 2)  # fmt: skip
        assert said.code == 0, said.err
    short, long = (np.load(tmp_path / name / "a-blue-3-moving-up-1.npy") for name in ("short", "long"))
    assert long.shape == (65, 32, 32, 3) and np.array_equal(long[:17], short)
    assert (tmp_path / "long" / "contact_sheet.png").is_file()


def test_long_videos_are_written_while_they_are_made(call, long_run, tmp_path, monkeypatch):
    """In pieces of at most a window, whatever the length."""
    pieces = []
    real = VideoWriter.write

    def noting(self, frames_u8):
        pieces.append((self.path.name, len(frames_u8)))
        real(self, frames_u8)

    monkeypatch.setattr(VideoWriter, "write", noting)
    said = call("generate", RED, "--frames", 65, "--out", tmp_path, "--model", long_run, "--steps", 1)
    assert said.code == 0
    lengths = [length for name, length in pieces if name.endswith(".mp4")]
    assert sum(lengths) == 65 and max(lengths) == 17 and len(lengths) == 5
    assert len(read_video(tmp_path / "a-red-7-moving-left-0.mp4").frames_u8) == 65


def test_first_frames(call, long_run, files, tmp_path):
    picture = files / "picture.png"
    args = ["--format", "npy", "--model", long_run, "--steps", 2]
    said = call("generate", RED, BLUE, "--first-frame", picture, "--out", tmp_path / "one", *args)
    assert said.code == 0
    assert f"note: {picture} is 48x64; the middle of it is used, resized to 32x32." in said.err
    call("generate", RED, BLUE, "--first-frame", picture, files / "clip.mp4", "--out", tmp_path / "two", *args)
    one, two = (
        [np.load(tmp_path / name / f"{slug(prompt)}-{seed}.npy") for seed, prompt in enumerate((RED, BLUE))]
        for name in ("one", "two")
    )
    pipeline = Pipeline.load(long_run)
    request = GenerateRequest(prompts=(RED, BLUE), seeds=(0, 1), sampling=pipeline.sampling(2))
    (expected,) = pipeline.stream(request, pipeline.fit(read_video(picture).frames_u8))
    assert np.array_equal(one[0], expected[0]) and np.array_equal(one[1], expected[1])
    assert np.array_equal(one[0], two[0]) and (one[1][0] != two[1][0]).any()


def test_a_clip_is_continued_at_the_models_rate(call, long_run, files, tmp_path):
    args = ["--continue", files / "clip.mp4", "--frames", 25, "--format", "npy", "--model", long_run, "--steps", 2]
    assert call("generate", RED, "--out", tmp_path, *args).code == 0
    found = np.load(tmp_path / "a-red-7-moving-left-0.npy")
    assert found.shape == (25, 32, 32, 3)
    pipeline = Pipeline.load(long_run)
    tail = read_video(files / "clip.mp4").frames_u8[1::2]  # 16 of 24, each second one, the last one last
    request = GenerateRequest(prompts=(RED,), seeds=(0,), num_frames=25, sampling=pipeline.sampling(2))
    expected = np.concatenate([piece for (piece,) in pipeline.stream(request, pipeline.fit(tail))])
    assert np.array_equal(found, expected)


def test_between_two_pictures(call, long_run, files, tmp_path):
    args = ["--between", files / "picture.png", files / "clip.mp4", "--model", long_run, "--steps", 2]
    assert call("generate", RED, "--out", tmp_path, "--format", "npy", *args).code == 0
    assert np.load(tmp_path / "a-red-7-moving-left-0.npy").shape == (17, 32, 32, 3)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--first-frame", "picture.png", "--frames", "1"], "the video is complete. Ask for more: --frames 5 or more"),
        (["--between", "picture.png", "clip.mp4", "--frames", "21"], "between two frames this model makes 17 frames"),
        (["--frames", "33", "--history", "5"], "history=5 leaves nothing to add to windows of 5 latent frames"),
        (["--frames", "33", "--weak-model", "smoke"], "the weak model was not trained with given frames"),
    ],
)
def test_given_frames_that_cannot_be(fails, long_run, smoke_run, files, tmp_path, args, message):
    named = {name: files / name for name in ("picture.png", "clip.mp4")} | {"smoke": smoke_run}
    line = fails("generate", RED, *(named.get(a, a) for a in args), "--model", long_run, "--out", tmp_path / "v")
    assert message in line and not (tmp_path / "v").exists()


def test_models_without_given_frames_say_so(fails, smoke_run, files, tmp_path):
    args = ["--model", smoke_run, "--out", tmp_path / "v"]
    for option in (["--first-frame", files / "picture.png"], ["--continue", files / "clip.mp4"]):
        line = fails("generate", RED, *option, *args)
        assert "this model was not trained to go on from given frames" in line and "mutoscope train demo_long" in line
    line = fails("generate", RED, "--between", *[files / "picture.png"] * 2, *args)
    assert "this model was not trained to fill in between two frames" in line
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
    name = slug(prompt)
    assert 1 <= len(name) <= 60 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert name == slug(name)


def test_slugs():
    assert slug("A red 7, moving left!") == "a-red-7-moving-left"
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("🚀") == "video"
