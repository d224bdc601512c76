"""`mutoscope reconstruct`: any clip through a model's VAE."""

import re

import numpy as np
import pytest

from mutoscope.data.config import SpriteConfig
from mutoscope.data.sprites import SpriteClips
from mutoscope.video.pixels import to_uint8
from mutoscope.video.read import read_video
from mutoscope.video.write import write_video


@pytest.fixture
def clip(tmp_path):
    frames = SpriteClips(SpriteConfig(), "test", 0).batch(range(1)).frames[0]
    return write_video(tmp_path / "clip.npy", to_uint8(frames), fps=8)


def test_original_left_reconstruction_right(call, smoke_run, clip, tmp_path):
    said = call("reconstruct", smoke_run, clip, "--out", tmp_path / "pair.npy")
    assert said.code == 0, said.err
    pair, frames = np.load(tmp_path / "pair.npy"), np.load(clip)
    assert pair.shape == (17, 32, 64, 3)
    assert np.abs(pair[:, :, :32].astype(int) - frames).max() <= 1
    psnr = float(re.search(r"PSNR ([\d.]+) dB", said.out)[1])
    error = np.square((pair[:, :, 32:].astype(float) - pair[:, :, :32]) / 255).mean(axis=(1, 2, 3))
    assert psnr == pytest.approx(np.mean(-10 * np.log10(error)), abs=0.1)
    assert "SSIM 0." in said.out and "17 of 17 frames, 32x32" in said.out


def test_any_size_and_length(call, smoke_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 255, (7, 50, 80, 3), dtype=np.uint8)
    write_video(tmp_path / "wide.webp", frames, fps=8)
    said = call("reconstruct", smoke_run, "wide.webp")
    assert said.code == 0 and "5 of 7 frames" in said.out
    assert read_video("videos/wide-reconstruction.mp4").frames_u8.shape == (5, 256, 512, 3)


def test_frames_limits_what_is_read(call, smoke_run, clip, tmp_path):
    assert "5 of 6 frames" in call("reconstruct", smoke_run, clip, "--frames", 6, "--out", tmp_path / "a.gif").out


def test_mistakes(fails, smoke_run, clip, tmp_path):
    out = tmp_path / "v" / "pair.mp4"
    assert fails("reconstruct", smoke_run) == "CLIP is missing. Type: mutoscope reconstruct RUN CLIP"
    assert "does not exist" in fails("reconstruct", smoke_run, tmp_path / "none.mp4", "--out", out)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    assert "is not a readable video" in fails("reconstruct", smoke_run, tmp_path / "broken.mp4", "--out", out)
    assert "--out takes a file in: mp4" in fails("reconstruct", smoke_run, clip, "--out", tmp_path / "pair.avi")
    assert "does not exist" in fails("reconstruct", tmp_path / "none", clip, "--out", out)
    assert not out.parent.exists()
