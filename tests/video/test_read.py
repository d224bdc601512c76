import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mutoscope.video.read import DEFAULT_FPS, read_video
from mutoscope.video.write import encode_mp4, write_video

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
REAL = [
    "formats/av1_video.mkv",
    "formats/bt709_full_range.mp4",
    "formats/h264_10bits.mp4",
    "formats/h265_10bits.mp4",
    "formats/h265_video.mp4",
    "asl_gestures/eat.mkv",
    "clips/nasa_13013.mp4",
]


def moving_square(num_frames=12, height=24, width=36):
    clip = np.full((num_frames, height, width, 3), 40, np.uint8)
    for index in range(num_frames):
        clip[index, 4:12, 2 * index : 2 * index + 8] = (220, 90, 30)
    return clip


def real_file(name):
    pytest.importorskip("av")
    if not (DATA / name).exists():
        pytest.skip(f"the shared test data are not here ({name})")
    return DATA / name


@pytest.mark.parametrize("name", REAL)
def test_real_files(name):
    """Frame counts, sizes and rates of AV1, HEVC, 10 bit, full range and many streams, as listed beside the data."""
    path = real_file(name)
    stated = next(row for row in json.loads((DATA / "manifest.json").read_text()) if row["path"] == name)
    clip = read_video(path)
    assert clip.frames_u8.shape == (stated["frames_decoded"], stated["height"], stated["width"], 3)
    assert clip.fps == pytest.approx(stated["fps"], rel=1e-3)
    assert clip.frames_u8.std() > 5  # pictures, not a flat field


def reference_rgb(frame, full_range):
    """The BT.709 definition in float, from the 8-bit 4:2:0 planes of a frame, colour samples repeated."""
    planes = frame.to_ndarray().astype(float)
    height, width = frame.height, frame.width
    luma, chroma = planes[:height], planes[height:].reshape(2, height // 2, width // 2)
    blue, red = (plane.repeat(2, 0).repeat(2, 1) - 128 for plane in chroma)
    y, u, v = (luma / 255, blue / 255, red / 255) if full_range else ((luma - 16) / 219, blue / 224, red / 224)
    r, b = y + 2 * (1 - 0.2126) * v, y + 2 * (1 - 0.0722) * u
    g = (y - 0.2126 * r - 0.0722 * b) / 0.7152
    return np.clip(np.stack([r, g, b], -1) * 255, 0, 255)


@pytest.mark.parametrize("name, full_range", [("bt709_full_range.mp4", True), ("av1_video.mkv", False)])
def test_colours_follow_the_matrix_and_range_of_the_file(name, full_range):
    path = real_file(f"formats/{name}")
    import av

    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    read = read_video(path, max_frames=1).frames_u8[0]
    error = np.abs(read - reference_rgb(frame, full_range))
    assert np.median(error) < 1 and error.mean() < 1
    assert np.abs(read - reference_rgb(frame, not full_range)).mean() > 5


def test_full_range_is_read_where_only_a_tag_says_so(tmp_path):
    av = pytest.importorskip("av")
    grey = np.full((16, 16, 3), 235, np.uint8)
    with av.open(str(tmp_path / "a.webm"), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=8, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        stream.codec_context.color_range, stream.codec_context.colorspace = 2, 1
        rgb = av.VideoFrame.from_ndarray(grey, format="rgb24")
        container.mux(stream.encode(rgb.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="JPEG")))
        container.mux(stream.encode(None))
    assert np.abs(read_video(tmp_path / "a.webm").frames_u8.astype(int) - 235).max() <= 3


@pytest.mark.parametrize("suffix", ["mp4", "webm", "gif", "webp", "npy"])
def test_max_frames_reads_the_beginning(tmp_path, suffix):
    if suffix in ("mp4", "webm"):
        pytest.importorskip("av")
    path = write_video(tmp_path / f"a.{suffix}", moving_square(), 8)
    whole = read_video(path)
    assert len(whole.frames_u8) == 12
    for wanted in (1, 5, 12, 99):
        part = read_video(path, max_frames=wanted)
        assert np.array_equal(part.frames_u8, whole.frames_u8[:wanted])
    with pytest.raises(ValueError, match="max_frames=0"):
        read_video(path, max_frames=0)


def test_a_phone_video_is_turned_upright(tmp_path):
    """A matrix in the track header asks for a quarter turn clockwise; the frames follow."""
    pytest.importorskip("av")
    content = bytearray(encode_mp4(moving_square(3), 8))
    matrix = content.index(b"tkhd") + 44
    one = 1 << 16
    assert content[matrix : matrix + 4] == one.to_bytes(4, "big")  # the unit matrix is where it is looked for
    turned = [0, one, 0, -one, 0, 0, 24 * one, 0, 1 << 30]
    content[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in turned)
    (tmp_path / "turned.mp4").write_bytes(content)
    plain = read_video(write_video(tmp_path / "plain.mp4", moving_square(3), 8)).frames_u8
    turned_u8 = read_video(tmp_path / "turned.mp4").frames_u8
    assert np.array_equal(turned_u8, np.rot90(plain, k=-1, axes=(1, 2)))


def test_pictures_are_clips_of_one_frame(tmp_path):
    picture = moving_square(1)[0]
    for suffix in ("png", "jpg"):
        Image.fromarray(picture).save(tmp_path / f"a.{suffix}")
        clip = read_video(tmp_path / f"a.{suffix}")
        assert clip.frames_u8.shape == (1, 24, 36, 3) and clip.fps == DEFAULT_FPS
    assert np.array_equal(read_video(tmp_path / "a.png").frames_u8[0], picture)


def test_picture_modes(tmp_path):
    clear = np.zeros((4, 4, 4), np.uint8)
    clear[..., 0], clear[:2, :, 3] = 200, 255
    Image.fromarray(clear, "RGBA").save(tmp_path / "clear.png")
    read = read_video(tmp_path / "clear.png").frames_u8[0]
    assert (read[:2] == (200, 0, 0)).all() and (read[2:] == 0).all()

    Image.fromarray(np.full((4, 4), 0x8040, np.uint16)).save(tmp_path / "deep.png")
    assert (read_video(tmp_path / "deep.png").frames_u8 == 0x80).all()

    upright = Image.fromarray(moving_square(1)[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter turn clockwise
    upright.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_video(tmp_path / "turned.png").frames_u8[0], np.rot90(moving_square(1)[0], k=-1))


def test_uneven_durations_become_an_even_rate(tmp_path):
    pictures = [Image.fromarray(picture) for picture in moving_square(3)]
    for suffix in ("gif", "webp"):
        pictures[0].save(
            tmp_path / f"a.{suffix}", save_all=True, append_images=pictures[1:], duration=[100, 300, 100], lossless=True
        )
        clip = read_video(tmp_path / f"a.{suffix}")
        assert clip.fps == pytest.approx(10)
        assert np.array_equal(clip.frames_u8[:, 0, 0], moving_square(3)[[0, 1, 1, 1, 2], 0, 0])
        assert np.array_equal(clip.frames_u8[1], clip.frames_u8[3]) and len(clip.frames_u8) == 5


@pytest.mark.parametrize(
    "stored, message",
    [
        (np.zeros((2, 4, 4, 3)), r"float64 of shape \(2, 4, 4, 3\); a clip is uint8"),
        (np.zeros((2, 4, 4), np.uint8), r"uint8 of shape \(2, 4, 4\); a clip is uint8"),
        (np.zeros((0, 4, 4, 3), np.uint8), "at least one frame"),
        (np.array([{"a": 1}], dtype=object), "not a readable npy"),
    ],
)
def test_arrays_that_are_no_clip(tmp_path, stored, message):
    np.save(tmp_path / "a.npy", stored, allow_pickle=True)
    with pytest.raises(ValueError, match=message) as caught:
        read_video(tmp_path / "a.npy")
    assert str(tmp_path / "a.npy") in str(caught.value) and "\n" not in str(caught.value)


def test_an_archive_of_arrays_is_named(tmp_path):
    with open(tmp_path / "a.npy", "wb") as file:
        np.savez(file, a=np.zeros(3))
    with pytest.raises(ValueError, match="several arrays"):
        read_video(tmp_path / "a.npy")


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi", "mov", "gif", "webp", "png", "jpg", "npy"])
def test_wrong_files_are_one_line(tmp_path, suffix, capfd):
    if suffix in ("mp4", "mkv", "webm", "avi", "mov"):
        pytest.importorskip("av")
    path = tmp_path / f"a.{suffix}"
    cases = {"does not exist": None, r"is empty \(0 bytes\)": b"", "is not a readable": b"hello, I am a text\n" * 40}
    for message, content in cases.items():
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as caught:
            read_video(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["mp4", "webm", "gif", "webp", "png", "npy"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.85])
def test_files_that_were_cut_off_are_one_line(tmp_path, suffix, kept, capfd):
    if suffix in ("mp4", "webm"):
        pytest.importorskip("av")
    noise = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    content = write_video(tmp_path / f"whole.{suffix}", noise, 8).read_bytes()
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError) as caught:
        read_video(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_an_mp4_that_lost_its_last_bytes(tmp_path):
    """Only the last picture is damaged: the decoder would show something, which nobody filmed."""
    pytest.importorskip("av")
    noise = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    (tmp_path / "cut.mp4").write_bytes(encode_mp4(noise, 8)[:-40])
    with pytest.raises(ValueError, match="is cut off or damaged; .* max_frames"):
        read_video(tmp_path / "cut.mp4")
    assert len(read_video(tmp_path / "cut.mp4", max_frames=30).frames_u8) == 30


def test_a_cut_matroska_can_still_be_read_in_part(tmp_path):
    whole = real_file("asl_gestures/eat.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut off: its header promises .* max_frames="):
        read_video(tmp_path / "cut.mkv")
    assert len(read_video(tmp_path / "cut.mkv", max_frames=4).frames_u8) == 4


def test_a_playlist_in_disguise_is_refused(tmp_path):
    pytest.importorskip("av")
    write_video(tmp_path / "secret.mp4", moving_square(2), 8)
    (tmp_path / "a.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "b.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    for name in ("a.mp4", "b.mp4"):
        with pytest.raises(ValueError, match="not a readable video"):
            read_video(tmp_path / name)


def test_sound_without_pictures(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match="no video stream"):
        read_video(tmp_path / "a.mp4")


def test_a_colon_in_a_relative_name_is_no_address(tmp_path, monkeypatch):
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    assert read_video(write_video("take1:2.mp4", moving_square(2), 8)).frames_u8.shape == (2, 24, 36, 3)


def test_folders_and_other_suffixes(tmp_path):
    with pytest.raises(ValueError, match="is a folder; pass one file of mp4"):
        read_video(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match="ends in '.txt'; what can be read: mp4, mkv"):
        read_video(tmp_path / "a.txt")


def test_without_av_the_other_formats_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    clip = moving_square()
    assert np.array_equal(read_video(write_video(tmp_path / "a.webp", clip, 8)).frames_u8, clip)
    with pytest.raises(ImportError, match="pip install av"):
        write_video(tmp_path / "a.mp4", clip, 8)
    (tmp_path / "b.mp4").write_bytes(b"x")
    with pytest.raises(ImportError, match="pip install av"):
        read_video(tmp_path / "b.mp4")
