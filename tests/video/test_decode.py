"""Decoding at a model's rate and size: chosen frames of what read_video reads, scaled and cropped."""

from fractions import Fraction
from math import ceil

import av
import numpy as np
import pytest
from PIL import Image
from small_clips import encode, moving
from test_read import real_file

from mutoscope.data.shards import Member
from mutoscope.video import decode as module
from mutoscope.video.decode import decode
from mutoscope.video.pixels import to_uint8
from mutoscope.video.read import read_video
from mutoscope.video.resize import fit_clip
from mutoscope.video.stream import OpenVideo
from mutoscope.video.write import encode_mp4, write_video

UNEVEN_MS = [0, 100, 133, 400, 480, 1000, 1010, 1250, 1333, 2000]


def numbered(num_frames):
    """Frame k is grey of level 5 k: recognised after compression and scaling."""
    return np.repeat(np.arange(num_frames, dtype=np.uint8) * 5, 16 * 16 * 3).reshape(num_frames, 16, 16, 3)


def numbers(frames_u8):
    return (frames_u8.mean(axis=(1, 2, 3)) / 5).round().astype(int).tolist()


def write_mpeg(path, pictures, key_frames, times_ms=None, codec="libx264", options=None):
    """H.264 with frames that are decoded before others that are shown earlier, or MPEG-4; a key frame every so many."""
    with av.open(str(path), "w", options=options or {}) as container:
        sharp = {"qmin": "1", "qmax": "2"}
        if codec == "libx264":
            sharp = {"crf": "4", "bf": "3", "b_strategy": "0", "sc_threshold": "0"}
        stream = container.add_stream(codec, rate=10, options=sharp | {"g": str(key_frames)})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if times_ms:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if times_ms:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            else:
                frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture
def decoded(monkeypatch):
    """Times of all frames that the decoder gives from here on."""
    times_s, real = [], OpenVideo.frames

    def frames(video):
        for frame in real(video):
            times_s.append(frame.time)
            yield frame

    monkeypatch.setattr(OpenVideo, "frames", frames)
    return times_s


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mkv", "gif", "webp", "npy", "png"])
def test_at_its_own_rate_and_size_a_clip_is_what_read_video_reads(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    encode(path, moving()) if suffix == "mkv" else write_video(path, moving(), 10)
    whole = read_video(path)
    size = whole.frames_u8.shape[1:3]
    assert np.array_equal(decode(path, whole.fps, *size), whole.frames_u8)
    if suffix != "npy":  # no member of shards
        with Member(path, 0, path.stat().st_size) as file:
            assert np.array_equal(decode(tmp_path / f"none.{suffix}", whole.fps, *size, file=file), whole.frames_u8)


@pytest.mark.parametrize(
    "name", ["av1_video.mkv", "bt709_full_range.mp4", "h264_10bits.mp4", "h265_10bits.mp4", "h265_video.mp4"]
)
def test_real_files_of_other_depths_and_ranges(name):
    path = real_file(f"formats/{name}")
    whole = read_video(path, max_frames=3)
    height, width = whole.frames_u8.shape[1:3]
    assert np.array_equal(decode(path, whole.fps, height, width, max_frames=3), whole.frames_u8)
    small = decode(path, whole.fps, height // 8, width // 8, max_frames=3)
    means = whole.frames_u8.reshape(3, height // 8, 8, width // 8, 8, 3).mean((2, 4))
    assert np.abs(small - means).mean() < 1.5  # a wrong matrix or range is off by 5 and more


@pytest.mark.parametrize("fps", [1, 7, 10, 12, 24, 60, 29.97])
@pytest.mark.parametrize("times_ms", [UNEVEN_MS, [round(1000 * k / 30) for k in range(30)], [70, 170, 270, 370]])
@pytest.mark.parametrize("write", [encode, lambda path, pictures, times_ms: write_mpeg(path, pictures, 250, times_ms)])
def test_each_frame_is_the_one_shown_at_its_time(tmp_path, fps, times_ms, write):
    """Against the definition, in exact times: whole milliseconds are what 1/30 s became in the file."""
    path = tmp_path / "a.mkv"
    write(path, numbered(len(times_ms)), times_ms)
    exact_s = np.array([k / 30 for k in range(30)] if times_ms[1] == 33 else [t / 1000 for t in times_ms])
    looks_s = exact_s[0] + np.arange(300) / fps
    expected = np.searchsorted(exact_s, looks_s + 1e-9, side="right") - 1
    seen = numbers(decode(path, fps, 16, 16))
    assert seen == expected[: len(seen)].tolist()
    end_s = exact_s[-1] + (exact_s[-1] - exact_s[0]) / (len(exact_s) - 1)  # the last one is shown as long as the others
    if len(times_ms) == 10:
        assert len(seen) == ceil((end_s - exact_s[0]) * fps - 1e-3)


def test_a_clip_at_its_rate_has_as_many_frames_as_it_has(tmp_path):
    """Whatever containers do to 1/30 s, none is shown twice or left out; also where the file states another rate."""
    for suffix in ("mp4", "webm"):
        path = write_video(tmp_path / f"a.{suffix}", numbered(50), 30)
        assert numbers(decode(path, 30, 16, 16)) == list(range(50))
    encode(tmp_path / "slow.mkv", numbered(8), [250 * k for k in range(8)])  # says ten per second
    assert numbers(decode(tmp_path / "slow.mkv", 12, 16, 16)) == [k // 3 for k in range(24)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "webm", "gif"])
def test_a_stretch_of_time_is_a_slice_of_the_whole(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix in ("webm", "gif"):
        write_video(path, numbered(40), 10)
    else:
        write_mpeg(path, numbered(40), 7, codec="mpeg4" if suffix == "avi" else "libx264")
    whole = decode(path, 10, 16, 16)
    assert numbers(whole) == list(range(40))
    for first, stop in [(0, 5), (3, 4), (6, 13), (7, 9), (13, 30), (20, 40), (39, 40)]:
        assert np.array_equal(decode(path, 10, 16, 16, first / 10, stop / 10), whole[first:stop])
        assert np.array_equal(decode(path, 10, 16, 16, first / 10, max_frames=stop - first), whole[first:stop])
        # The rounding of `data split` lets nothing in from outside.
        assert np.array_equal(decode(path, 10, 16, 16, first / 10 + 1e-6, stop / 10 - 1e-6), whole[first:stop])
    finer = decode(path, 24, 16, 16)
    for first in (1, 17, 50):
        assert np.array_equal(decode(path, 24, 16, 16, first / 24, max_frames=9), finer[first : first + 9])


def test_only_what_is_needed_is_decoded_and_converted(tmp_path, decoded, monkeypatch):
    path = tmp_path / "a.mp4"
    write_mpeg(path, numbered(50), 10)
    converted, real = [], module.upright
    monkeypatch.setattr(module, "upright", lambda frame: converted.append(frame.time) or real(frame))
    assert numbers(decode(path, 5, 16, 16, 3.2, max_frames=3)) == [32, 34, 36]
    assert decoded == pytest.approx(np.arange(30, 38) / 10)
    assert converted == pytest.approx([3.2, 3.4, 3.6])
    decoded.clear()
    converted.clear()
    assert numbers(decode(path, 40, 16, 16, 1.0, 1.2)) == [10] * 4 + [11] * 4
    assert len(decoded) == 3 and len(converted) == 2


def test_a_file_without_an_index_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "a.mkv"
    write_mpeg(path, numbered(40), 7, options={"live": "1"})
    assert numbers(decode(path, 10, 16, 16, 2.5, 3.0)) == [25, 26, 27, 28, 29]


@pytest.mark.parametrize("suffix", ["mp4", "webp"])
@pytest.mark.parametrize("size", [(24, 24), (12, 36), (40, 16), (7, 31), (96, 80)])
def test_pictures_are_covered_and_cropped_around_the_centre(tmp_path, suffix, size):
    """As `fit_clip` does it with another filter: a smooth clip comes out alike, a shifted or stretched one does not."""
    rows, columns = np.mgrid[:48, :72]
    clip = np.stack([np.stack([rows * 5, columns * 3, (rows + columns + k) * 2], -1) for k in range(3)]).astype(
        np.uint8
    )
    path = write_video(tmp_path / f"a.{suffix}", clip, 10)
    expected = to_uint8(fit_clip(read_video(path).frames_u8, 3, *size)).astype(int)
    found = decode(path, 10, *size)
    assert found.shape == (3, *size, 3) and found.flags.c_contiguous
    assert np.abs(found - expected).mean() < 3


@pytest.mark.parametrize("suffix", ["mp4", "webp"])
@pytest.mark.parametrize("size", [(64, 64), (30, 50), (17, 17)])
def test_what_is_finer_than_the_pixels_becomes_grey(tmp_path, suffix, size):
    board = np.indices((240, 428)).sum(0) % 2 * 255
    clip = np.repeat(board[None, ..., None], 3, -1).repeat(2, 0).astype(np.uint8)
    path = write_video(tmp_path / f"a.{suffix}", clip, 10)
    assert read_video(path).frames_u8.std() > 100
    found = decode(path, 10, *size).astype(int)
    assert np.abs(found - 127).max() <= 12


def test_a_phone_video_is_turned_before_it_is_cropped(tmp_path):
    content = bytearray(encode_mp4(moving(3), 10))
    matrix, one = content.index(b"tkhd") + 44, 1 << 16
    turned = [0, one, 0, -one, 0, 0, 24 * one, 0, 1 << 30]
    content[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in turned)
    (tmp_path / "turned.mp4").write_bytes(content)
    whole = read_video(tmp_path / "turned.mp4").frames_u8
    assert whole.shape == (3, 36, 24, 3)
    assert np.array_equal(decode(tmp_path / "turned.mp4", 10, 36, 24), whole)
    assert np.array_equal(decode(tmp_path / "turned.mp4", 10, 20, 24), whole[:, 8:28])


def test_a_folder_of_numbered_pictures(tmp_path):
    for index, picture in enumerate(numbered(6)):
        Image.fromarray(picture).save(tmp_path / f"{index}.png")
    assert numbers(decode(tmp_path, 8, 16, 16)) == list(range(6))
    assert numbers(decode(tmp_path, 4, 8, 8, 0.25)) == [2, 4]


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_wrong_times_and_files_are_one_line(tmp_path, suffix):
    path = write_video(tmp_path / f"a.{suffix}", moving(), 10)
    (tmp_path / f"text.{suffix}").write_text("this is no clip\n" * 40)
    for file, times_s, message in [
        (path, (1.0, 0.5), "start_s=1, end_s=0.5 do not fit"),
        (path, (0.5, 0.5), "ends after it starts"),
        (path, (1.2, None), "shows nothing from 1.2 s on"),
        (path, (100.0, 101.0), "shows nothing from 100 s to 101 s: it is shorter"),
        (tmp_path / f"none.{suffix}", (None, None), "does not exist"),
        (tmp_path / f"text.{suffix}", (None, None), "is not a readable"),
    ]:
        with pytest.raises(ValueError, match=message) as caught:
            decode(file, 10, 16, 16, *times_s)
        assert str(file) in str(caught.value) and "\n" not in str(caught.value)
