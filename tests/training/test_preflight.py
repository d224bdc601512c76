"""What is said before a run."""

from folder_of_clips import make_folder
from tiny import tiny_run

from mutoscope.data.config import ClipsConfig
from mutoscope.data.open import open_clips
from mutoscope.training.plan import StageCosts
from mutoscope.training.preflight import clip_lines, kept_bytes, preflight, stage_lines
from mutoscope.training.run import build_model

COSTS = StageCosts(vae=0.5, diffusion=2.0, once=10.0)


def own(folder, **changes):
    data = ClipsConfig(folder=str(folder), num_frames=5, height=16, width=16, fps=10.0)
    return tiny_run(data=data, **changes)


def test_clips_and_what_is_missing(tmp_path):
    make_folder(tmp_path, (9, 12, 3))
    config = own(tmp_path)
    lines = clip_lines(config, open_clips(config.data, "train", 0))
    assert lines[0] == f"clips: 2 in {tmp_path}; 5 frames of 16 x 16, 10 per second"
    assert lines[1].strip() == (
        "1 more are too short and NOT used; the shortest has 3 frames: --data.num-frames 3, or a higher --data.fps"
    )
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace("a block over pattern 0", ""))
    lines = clip_lines(config, open_clips(config.data, "train", 0))
    assert lines[-1].strip() == "1 have no caption: they train the model without text"


def test_steps_epochs_and_repeats():
    config = tiny_run(cached_clips=400)
    stage = config.vae_training.model_copy(update={"steps": 300, "batch_size": 4})
    config = config.model_copy(update={"vae_training": stage, "training": stage})
    vae, diffusion, cached = stage_lines(config, COSTS, 16)
    assert vae == "VAE: 300 steps of 4 clips, 2 min; 4 steps per epoch, 75 epochs, every clip 75 times"
    assert diffusion == "diffusion: 300 steps of 4 clips, 10 min; 100 steps per epoch, 3 epochs"
    assert cached == "  400 cached windows: 25 of every clip, which are repeated"
    assert stage_lines(config, COSTS, None)[0] == "VAE: 300 steps of 4 clips, 2 min"


def test_what_is_kept_is_counted(tmp_path):
    make_folder(tmp_path, (9, 12))
    config = own(tmp_path, vae=tiny_run().vae.model_copy(update={"temporal_stride": 4}))
    clips = open_clips(config.data, "train", 0)
    model = build_model(config, clips)
    latents = 4 * config.cached_clips * 3 * 2 * 4 * 4  # float32, 3 channels, 2 frames, 4 x 4
    assert kept_bytes(config, model, clips) == latents + (9 + 12) * 16 * 16 * 3
    assert preflight(config)[-1].startswith("expected: ") and "B of memory" in preflight(config)[-1]
