import io
import os

import numpy as np
import pytest
from PIL import Image

from mutoscope.video import write
from mutoscope.video.read import read_video
from mutoscope.video.write import FORMATS, VideoWriter, encode_mp4, encode_webp, write_video


def disc_clip(num_frames=16, size=32):
    """A soft red disc on grey that moves one pixel per frame."""
    rows, columns = np.mgrid[:size, :size]
    distance = np.stack([np.hypot(rows - size / 2, columns - size / 4 - index) for index in range(num_frames)])
    inside = np.clip(size / 5 - distance, 0, 1)[..., None]
    return np.round(inside * [230, 60, 40] + (1 - inside) * [40, 40, 40]).astype(np.uint8)


def noise_clip(num_frames=7, height=9, width=13, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


def few_colours(num_colours, num_frames=6):
    rng = np.random.default_rng(num_colours)
    palette = rng.integers(0, 256, (num_colours, 3), dtype=np.uint8)
    return palette[rng.integers(0, num_colours, (num_frames, 12, 10))]


def psnr(a, b):
    """Decibel, peak 255."""
    return 10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-12))


def test_npy_is_exact(tmp_path):
    clip = noise_clip()
    path = write_video(tmp_path / "a.npy", clip, fps=8, scale=3)
    assert np.array_equal(np.load(path), clip)
    assert np.array_equal(read_video(path).frames_u8, clip)


def test_png_is_all_frames_side_by_side(tmp_path):
    clip = noise_clip()
    strip = read_video(write_video(tmp_path / "a.png", clip, fps=8)).frames_u8
    assert strip.shape == (1, 9, 7 * 13, 3)
    assert np.array_equal(np.stack(np.split(strip[0], 7, axis=1)), clip)


@pytest.mark.parametrize("fps", [8, 12.5, 24, 30])
@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_loops_come_back_exactly(tmp_path, suffix, fps):
    clip = few_colours(200, num_frames=25)
    back = read_video(write_video(tmp_path / f"a.{suffix}", clip, fps))
    assert np.array_equal(back.frames_u8, clip)
    assert back.fps == pytest.approx(fps, rel=0.01)


@pytest.mark.parametrize("num_colours", [1, 2, 17, 255, 256])
def test_gif_is_exact_up_to_256_colours(tmp_path, num_colours):
    clip = few_colours(num_colours)
    back = read_video(write_video(tmp_path / "a.gif", clip, 10)).frames_u8
    assert np.array_equal(back[: len(clip)], clip[: len(back)]) and len(back) == (6 if num_colours > 1 else 1)


def test_gif_of_many_colours_is_close(tmp_path):
    rows, columns = np.mgrid[:64, :64]
    smooth = np.stack([np.stack([rows * 3, columns * 3, rows + columns + 9 * index], -1) for index in range(6)])
    back = read_video(write_video(tmp_path / "a.gif", smooth.astype(np.uint8), 10)).frames_u8
    assert psnr(back, smooth) > 28


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_a_frame_that_stays_is_still_two_frames(tmp_path, suffix):
    clip = few_colours(20)
    clip[3] = clip[4] = clip[2]
    back = read_video(write_video(tmp_path / f"a.{suffix}", clip, 8))
    assert np.array_equal(back.frames_u8, clip) and back.fps == pytest.approx(8, rel=0.01)


def test_loops_loop_forever(tmp_path):
    for suffix in ("gif", "webp"):
        with Image.open(write_video(tmp_path / f"a.{suffix}", few_colours(9), 8)) as image:
            assert image.info["loop"] == 0


def test_gif_frames_never_ask_for_less_than_browsers_give(tmp_path):
    with Image.open(write_video(tmp_path / "a.gif", few_colours(9), fps=100)) as image:
        for index in range(6):
            image.seek(index)
            assert image.info["duration"] == 20


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize("scale, floor", [(1, 30), (2, 42), (4, 42)])
def test_players_see_what_was_written(tmp_path, suffix, scale, floor):
    pytest.importorskip("av")
    clip = disc_clip()
    back = read_video(write_video(tmp_path / f"a.{suffix}", clip, fps=8, scale=scale))
    large = clip.repeat(scale, axis=1).repeat(scale, axis=2)
    assert back.frames_u8.shape == large.shape and back.fps == 8
    assert psnr(back.frames_u8, large) > floor


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize("fps", [0.5, 12.5, 24, 29.97, 60])
def test_frame_rates(tmp_path, suffix, fps):
    pytest.importorskip("av")
    back = read_video(write_video(tmp_path / f"a.{suffix}", disc_clip(5), fps))
    assert len(back.frames_u8) == 5 and back.fps == pytest.approx(fps, rel=1e-3)


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize("height, width", [(1, 1), (31, 33), (32, 31)])
def test_odd_sizes_repeat_the_last_row_and_column(tmp_path, suffix, height, width):
    pytest.importorskip("av")
    clip = disc_clip(3, size=40)[:, :height, :width]
    back = read_video(write_video(tmp_path / f"a.{suffix}", clip, 8)).frames_u8
    padded = np.pad(clip, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    assert back.shape == padded.shape and psnr(back, padded) > 30


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (12, 200, 77)])
def test_flat_colours_keep_their_value(tmp_path, colour):
    """The matrix and range written are the ones read: a mixed-up pair is off by ten levels and more."""
    pytest.importorskip("av")
    clip = np.full((2, 16, 16, 3), colour, np.uint8)
    for suffix in ("mp4", "webm"):
        back = read_video(write_video(tmp_path / f"a.{suffix}", clip, 8)).frames_u8
        assert np.abs(back.astype(int) - clip).max() <= 4, suffix


def test_mp4_says_its_colours_and_starts_before_it_is_loaded():
    av = pytest.importorskip("av")
    for num_frames in (1, 16, 900):
        content = encode_mp4(disc_clip(16)[np.arange(num_frames) % 16], fps=8)
        assert 0 < content.index(b"moov") < content.index(b"mdat")
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, stream.frames) == ("h264", "yuv420p", 900)
        assert [context.colorspace, context.color_primaries, context.color_trc, context.color_range] == [1, 1, 1, 1]
        assert float(stream.duration * stream.time_base) == pytest.approx(900 / 8)


def test_bytes_in_memory_are_the_bytes_in_the_file(tmp_path):
    pytest.importorskip("av")
    clip = disc_clip(4)
    assert write_video(tmp_path / "a.mp4", clip, 8, scale=2).read_bytes() == encode_mp4(clip, 8, scale=2)
    assert write_video(tmp_path / "a.webp", clip, 8, scale=2).read_bytes() == encode_webp(clip, 8, scale=2)


@pytest.mark.parametrize("suffix", FORMATS)
def test_pieces_make_the_file_that_the_whole_clip_makes(tmp_path, suffix):
    if suffix in ("mp4", "webm"):
        pytest.importorskip("av")
    clip = disc_clip(12)
    whole = write_video(tmp_path / f"whole.{suffix}", clip, 8, scale=2)
    with VideoWriter(tmp_path / f"pieces.{suffix}", 8, scale=2) as writer:
        piece = np.empty_like(clip[:5])
        for first in (0, 5, 10):  # through one buffer that is used again
            part = clip[first : first + 5]
            piece[: len(part)] = part
            writer.write(piece[: len(part)])
            assert not writer.path.exists()
    assert np.array_equal(read_video(writer.path).frames_u8, read_video(whole).frames_u8)
    assert suffix == "webm" or writer.path.read_bytes() == whole.read_bytes()  # webm holds a random number
    assert sorted(os.listdir(tmp_path)) == [f"pieces.{suffix}", f"whole.{suffix}"]


def test_a_writer_that_fails_or_gets_nothing_leaves_the_old_file(tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="a.mp4 got no frame"), VideoWriter(path, 8):
        pass
    with pytest.raises(KeyboardInterrupt), VideoWriter(path, 8) as writer:
        writer.write(disc_clip(40))
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="32x30 after 32x32; a file has one size"), VideoWriter(path, 8) as writer:
        writer.write(disc_clip(2))
        writer.write(disc_clip(2)[:, :, :30])
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize("suffix", ["mp4", "npy"])
def test_a_disk_that_fills_up_while_frames_come_names_the_file(tmp_path, suffix):
    pytest.importorskip("av")
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path, piece = tmp_path / f"a.{suffix}", noise_clip(10, 128, 128)
    with pytest.raises(OSError, match="File too large") as caught, VideoWriter(path, 8) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            for _ in range(20):
                writer.write(piece)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(path) and os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_one_frame_folders_and_capital_suffixes(tmp_path, suffix):
    if suffix in ("mp4", "webm"):
        pytest.importorskip("av")
    path = write_video(str(tmp_path / "new" / "folder" / f"take 1:2.{suffix.upper()}"), disc_clip(1), 8)
    assert read_video(path).frames_u8.shape == (1, 32, 32, 3)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch, suffix, place):
    if suffix in ("mp4", "webm"):
        pytest.importorskip("av")
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device", "some temporary name")

    monkeypatch.setattr(write.os, place, full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_video(path, disc_clip(2), 8)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == [path.name]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(write.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "a.npy", disc_clip(2), 8)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="a.npy"):
        write_video(tmp_path / "a.npy", disc_clip(1), 8)
    tmp_path.chmod(0o700)


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(OSError) as caught:
        write_video(tmp_path / "a.npy", disc_clip(1), 8)
    assert caught.value.filename == str(tmp_path / "a.npy")
    assert os.listdir(tmp_path) == ["a.npy"]


@pytest.mark.parametrize("name", ["a.avi", "a", "a.mp4.part"])
def test_unknown_suffixes_list_the_known(tmp_path, name):
    with pytest.raises(ValueError, match="what can be written: mp4, webm, gif, webp, png, npy"):
        write_video(tmp_path / name, disc_clip(1), 8)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("fps", [0, -1, 1e6, float("nan"), float("inf")])
def test_impossible_rates(fps):
    with pytest.raises(ValueError, match="fps=.* from 0.1 to 240"):
        encode_webp(disc_clip(1), fps)


def test_clips_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"):
        write_video(tmp_path / "a.webp", np.zeros((0, 4, 4, 3), np.uint8), 8)
    with pytest.raises(ValueError, match="scale=0"):
        encode_webp(disc_clip(1), 8, scale=0)
    with pytest.raises(ValueError, match="at most 16383 pixels a side"):
        encode_webp(np.zeros((1, 1, 8192, 3), np.uint8), 8, scale=2)
