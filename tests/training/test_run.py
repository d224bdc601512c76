"""A whole run: resumed anywhere it ends in the same model, and a folder holds one run."""

import json

import pytest
import torch
from tiny import awake_model, tiny_run

from mutoscope.data.config import SpriteConfig
from mutoscope.data.open import open_clips
from mutoscope.data.sprites import SpriteClips
from mutoscope.denoisers.config import UNetConfig
from mutoscope.model import VideoModel
from mutoscope.training.callbacks import Callbacks
from mutoscope.training.config import RunConfig
from mutoscope.training.lock import LOCK
from mutoscope.training.run import cache_key, check, first_difference, measure_statistics, open_run, train
from mutoscope.training.run_folder import read_prompts
from mutoscope.training.trainer import Interrupted
from mutoscope.vae.config import PixelConfig
from mutoscope.vae.model import latent_shape

OPTIMIZERS = pytest.mark.parametrize(
    ("optimizer", "precision"), [("muon", "float32"), ("adamw", "bfloat16")], ids=["muon-float32", "adamw-bfloat16"]
)


def config_of(optimizer="muon", precision="float32", **changes):
    stage = tiny_run().training.model_copy(update={"optimizer": optimizer, "precision": precision})
    return tiny_run(vae_training=stage, training=stage, **changes)


def model_bytes(run):
    return {p.name: p.read_bytes() for p in sorted((run / "model").iterdir())}


def counting(stop_after):
    """Callbacks that stop after so many optimizer steps of this process."""
    done = []
    return Callbacks(
        on_step=lambda stage, step, steps, loss: done.append(step) if stage != "encode" else None,
        should_stop=lambda: len(done) == stop_after,
    )


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Finished runs by (optimizer, precision), trained once."""
    runs = {}

    def run_of(optimizer, precision):
        if (optimizer, precision) not in runs:
            out = tmp_path_factory.mktemp("straight") / "run"
            runs[optimizer, precision] = train(config_of(optimizer, precision), out)
        return runs[optimizer, precision]

    return run_of


@OPTIMIZERS
@pytest.mark.parametrize("stop", [1, 4, 8])  # in the VAE between and at checkpoints, in the diffusion stage
def test_stop_and_resume_is_the_run_without_a_stop(tmp_path, straight, optimizer, precision, stop):
    config, run = config_of(optimizer, precision), tmp_path / "run"
    with pytest.raises(Interrupted):
        train(config, run, counting(stop))
    assert not (run / "model").exists()
    train(config, run)
    assert model_bytes(run) == model_bytes(straight(optimizer, precision))
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    expected = [(stage, step) for stage in ("vae", "diffusion") for step in range(1, 7)]
    assert [(row["stage"], row["step"]) for row in rows] == expected


@pytest.mark.parametrize("kill", [3, 9])
def test_kill_and_resume_is_the_run_without_a_kill(tmp_path, straight, kill):
    class Killed(BaseException):
        pass

    def strike():
        if (count := next(counter)) == kill:
            raise Killed(count)
        return False

    counter, run = iter(range(1, 100)), tmp_path / "run"
    with pytest.raises(Killed):
        train(config_of(), run, Callbacks(should_stop=strike))
    train(config_of(), run)
    assert model_bytes(run) == model_bytes(straight("muon", "float32"))


def test_the_run_folder_is_complete(straight):
    run = straight("muon", "float32")
    assert {p.name for p in run.iterdir()} >= {
        "config.json",
        "metrics.jsonl",
        "checkpoints",
        "cache",
        "model",
        "summary.json",
    }
    assert RunConfig.model_validate_json((run / "config.json").read_text()) == config_of()
    summary = json.loads((run / "summary.json").read_text())
    assert summary["peak_memory_mb"] > 0
    model = VideoModel.load(run / "model")
    for stage, module in (("vae", [model.vae]), ("diffusion", [model.denoiser, model.text])):
        assert summary["stages"][stage]["steps"] == 6
        assert summary["stages"][stage]["precision"] == "float32"
        assert summary["stages"][stage]["parameters"] == sum(p.numel() for m in module for p in m.parameters())
    assert model.config == config_of().model


def test_a_finished_run_is_left_as_it_is(straight):
    run = straight("muon", "float32")
    before, seen = model_bytes(run), []
    train(config_of(), run, Callbacks(on_step=lambda *arguments: seen.append(arguments)))
    assert model_bytes(run) == before and not [s for s in seen if s[0] != "encode"]


def test_another_seed_is_another_model(tmp_path, straight):
    run = train(config_of(seed=1), tmp_path / "run")
    ours, theirs = (
        VideoModel.load(run / "model").state_dict(),
        VideoModel.load(straight("muon", "float32") / "model").state_dict(),
    )
    assert not torch.equal(ours["denoiser.patch_in.weight"], theirs["denoiser.patch_in.weight"])


def test_the_saved_latents_are_unit_variance(straight):
    from safetensors.torch import load_file

    latents = load_file(straight("muon", "float32") / "cache" / "latents" / "000000.safetensors")["3x3x4x4"]
    assert latents.shape == (10, 3, 3, 4, 4)
    assert abs(latents.std() - 1) < 0.3  # ten clips of the 256 that were measured


def test_sample_hook_gets_the_model_as_it_would_be_saved(tmp_path):
    stage = config_of().training
    config = tiny_run(vae_training=stage, training=stage, sample_every=4)
    seen = []
    run = train(config, tmp_path / "run", Callbacks(on_samples=lambda model, step: seen.append((step, model))))
    assert [step for step, _ in seen] == [4, 6]
    told = json.loads((run / "samples" / "prompts.json").read_text())
    assert read_prompts(run) == told and len(set(told)) == 4  # nobody said which: captions of its clips
    assert set(told) <= set(open_clips(config.data, "train", config.seed).captions(range(config.cached_clips)))
    saved = VideoModel.load(run / "model").state_dict()
    for name, tensor in seen[-1][1].state_dict().items():
        assert torch.equal(tensor, saved[name]), name
    assert not seen[-1][1].training


def test_training_leaves_the_global_generator_alone(tmp_path):
    before = torch.random.get_rng_state()
    train(config_of(), tmp_path / "run")
    assert torch.equal(torch.random.get_rng_state(), before)


# ------------------------------------------------------------------------------------------------- messages


def test_a_folder_with_other_settings_is_refused_by_field(tmp_path):
    config = config_of()
    open_run(config, tmp_path)
    open_run(config, tmp_path)
    other = config.model_copy(update={"training": config.training.model_copy(update={"lr": 0.5})})
    with pytest.raises(
        ValueError, match=r"holds a run with other settings \(training.lr: 0.002 -> 0.5\). Choose another --out"
    ):
        open_run(other, tmp_path)


def test_a_folder_with_an_unreadable_config_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"steps": 3}')
    with pytest.raises(ValueError, match=r"config.json cannot be read \(.*\). Choose another --out"):
        open_run(config_of(), tmp_path)


def test_first_difference_names_the_field():
    config = config_of()
    assert first_difference(config, config) == "none"
    assert first_difference(config, config.model_copy(update={"seed": 4})) == "seed: 0 -> 4"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vae": {"channels": 1}}, "vae.channels=1 does not fit clips of 3 channels. Use --vae.channels 3."),
        ({"data": SpriteConfig(colours=())}, "vae.channels=3 does not fit clips of 1 channels. Use --vae.channels 1."),
        ({"data": SpriteConfig(num_frames=18)}, "18 frames do not fit the VAE: .* Nearest: 17 or 21"),
        ({"data": SpriteConfig(height=34)}, "frames of 34x32 do not fit the VAE: .* Nearest: 32x32"),
        (
            {"denoiser": {"patch": (1, 3, 2)}},
            "latents of 5 x 8 x 8 .* into patches of .1, 3, 2.. Use a --denoiser.patch that divides them, e.g. 1 2 2",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_made(tmp_path, changes, message):
    config = RunConfig.model_validate(changes)
    with pytest.raises(ValueError, match=message):
        check(config)
    with pytest.raises(ValueError, match=message):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_captions_too_long_for_the_text_encoder_are_refused_before_training(tmp_path):
    text = tiny_run().text.model_copy(update={"max_tokens": 4})
    steps = []
    with pytest.raises(ValueError, match="this model reads 3 at most"):
        train(config_of(text=text), tmp_path / "run", Callbacks(on_step=lambda *arguments: steps.append(arguments)))
    assert not steps


def test_sample_prompts_too_long_for_the_text_encoder_are_refused_before_training(tmp_path):
    steps, config = [], config_of(sample_prompts=("a red 7 moving left " * 20,), sample_every=1)
    with pytest.raises(ValueError, match="this model reads 15 at most"):
        train(config, tmp_path / "run", Callbacks(on_step=lambda *arguments: steps.append(arguments)))
    assert not steps


@pytest.mark.parametrize("stop", [2, 5])
def test_pixel_space_trains_one_stage_and_resumes_exactly(tmp_path, stop):
    data = tiny_run().data.model_copy(
        update={"height": 12, "width": 12, "sprite_size": 9, "slow_speed": 0.2, "fast_speed": 0.4}
    )
    unet = UNetConfig(mixing="conv3d", widths=(16, 32), num_heads=2)
    config = config_of(vae=PixelConfig(), data=data, denoiser=unet)
    whole = train(config, tmp_path / "whole")
    assert set(json.loads((whole / "summary.json").read_text())["stages"]) == {"diffusion"}
    with pytest.raises(Interrupted):
        train(config, tmp_path / "parts", counting(stop))
    assert model_bytes(train(config, tmp_path / "parts")) == model_bytes(whole)
    model = VideoModel.load(whole / "model")
    frames = SpriteClips(data, "test", 0).batch(range(64)).frames
    latents = model.encode(frames)
    assert abs(latents.mean()) < 0.1 and abs(latents.std() - 1) < 0.1
    torch.testing.assert_close(model.decode(latents), frames, rtol=0, atol=1e-5)


def test_a_finished_run_is_left_alone(tmp_path):
    config = tiny_run()
    run = train(config, tmp_path / "run")

    def written():
        return {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.name != LOCK}

    before, steps = written(), []
    train(config, run, Callbacks(on_step=lambda *step: steps.append(step)))
    assert not steps
    assert written() == before


def test_summary_states_the_compression(tmp_path):
    config = tiny_run()
    stages = json.loads((train(config, tmp_path / "run") / "summary.json").read_text())["stages"]
    c, f, h, w = latent_shape(config.vae, config.data.num_frames, config.data.height, config.data.width)
    pixels = config.vae.channels * config.data.num_frames * config.data.height * config.data.width
    assert stages["vae"]["compression"] == pytest.approx(pixels / (c * f * h * w), abs=0.01)


def test_the_key_of_the_latent_cache_changes_with_weights_statistics_and_clips():
    config, model = config_of(), awake_model(config_of())
    clips = SpriteClips(config.data, "train", 0)
    other = config.data.model_copy(update={"num_frames": 3})
    keys = [cache_key(model.vae, clips.identity), cache_key(model.vae, SpriteClips(other, "train", 0).identity)]
    assert cache_key(model.vae, clips.identity) == keys[0]
    with torch.no_grad():
        next(model.vae.encoder.parameters()).view(-1)[0] += 1e-3
    keys.append(cache_key(model.vae, clips.identity))
    measure_statistics(model.vae, clips)
    keys.append(cache_key(model.vae, clips.identity))
    assert len(set(keys)) == 4
