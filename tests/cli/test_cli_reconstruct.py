"""`mutoscope reconstruct`: any clip through a model's VAE."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from mutoscope import load
from mutoscope.cli import reconstruct
from mutoscope.data.config import SpriteConfig
from mutoscope.data.sprites import SpriteClips
from mutoscope.video.pixels import to_frames, to_uint8
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


def test_any_size_that_fits_the_vae(call, fails, smoke_run, tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (5, 60, 90, 3), dtype=np.uint8)
    write_video(tmp_path / "large.npy", frames, fps=8)
    out = tmp_path / "pair.npy"
    assert (
        "5 of 5 frames, 40x80"
        in call("reconstruct", smoke_run, tmp_path / "large.npy", "--size", 40, 80, "--out", out).out
    )
    assert np.load(out).shape == (5, 40, 160, 3)
    assert "multiples of 4. Nearest: 40x80" in fails("reconstruct", smoke_run, out, "--size", 41, 80, "--out", out)


def test_tiles_and_pieces_are_the_clip_done_whole(smoke_run, monkeypatch):
    model = load(smoke_run, torch.float32).model
    frames_u8 = np.random.default_rng(0).integers(0, 255, (11, 80, 120, 3), dtype=np.uint8)
    monkeypatch.setattr(reconstruct, "TILE", 4)
    pieces = reconstruct.pieces(model, iter(frames_u8), 80, 120)
    with torch.no_grad():
        given, rebuilt = zip(*reconstruct.reconstruct(model, pieces), strict=True)
        whole = to_frames(frames_u8[:9])[None]
        assert torch.equal(torch.cat(given, 2), whole) and [piece.shape[2] for piece in given] == [1, 4, 4]
        torch.testing.assert_close(torch.cat(rebuilt, 2), model.decode(model.encode(whole)), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
def test_memory_grows_neither_with_length_nor_much_with_size(smoke_run, tmp_path):
    """97 frames need what 49 need, to 10 %: more than decoder, tiles and encoder hold at once."""
    pytest.importorskip("av")
    clip = np.random.default_rng(0).integers(0, 255, (97, 12, 20, 3), dtype=np.uint8)
    write_video(tmp_path / "clip.mp4", clip, fps=8, scale=40)
    code = """
import sys
from mutoscope.cli.main import main
code = main(sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(code)
"""
    peaks_mb = []
    for frames in (49, 97):
        words = [
            "reconstruct", smoke_run, tmp_path / "clip.mp4", "--size", 480, 800, "--frames", frames,
            "--out", tmp_path / "pair.mp4",
        ]  # fmt: skip
        said = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        peaks_mb.append(int(said.stdout.split()[-1]) / 1024)
    assert max(peaks_mb) < 1200 and peaks_mb[1] < 1.1 * peaks_mb[0]


def test_mistakes(fails, smoke_run, clip, tmp_path):
    out = tmp_path / "v" / "pair.mp4"
    assert fails("reconstruct", smoke_run) == "CLIP is missing. Type: mutoscope reconstruct RUN CLIP"
    assert "does not exist" in fails("reconstruct", smoke_run, tmp_path / "none.mp4", "--out", out)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    assert "is not a readable video" in fails("reconstruct", smoke_run, tmp_path / "broken.mp4", "--out", out)
    assert "--out takes a file in: mp4" in fails("reconstruct", smoke_run, clip, "--out", tmp_path / "pair.avi")
    assert "does not exist" in fails("reconstruct", tmp_path / "none", clip, "--out", out)
    assert not out.parent.exists()
