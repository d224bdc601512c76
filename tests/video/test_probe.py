import io
import json
import pickle

import av
import numpy as np
import pytest
from PIL import Image
from small_clips import encode, moving
from test_read import DATA, REAL, real_file

from mutoscope.video.formats import Unreadable
from mutoscope.video.probe import THUMBNAIL_SIDE, probe
from mutoscope.video.read import read_video
from mutoscope.video.write import write_video


@pytest.mark.parametrize("suffix", ["mp4", "webm", "gif", "webp", "png"])
def test_a_probe_says_what_reading_gives(tmp_path, suffix):
    """Frames, rate and size agree with `read_video`, and the thumbnail is its first frame."""
    path = write_video(tmp_path / f"a.{suffix}", moving(12, 48, 64), 12.5)
    found, clip = probe(path), read_video(path)
    assert (found.num_frames, found.height, found.width) == clip.frames_u8.shape[:3]
    assert found.fps == pytest.approx(clip.fps, rel=1e-6)
    first = np.asarray(Image.open(io.BytesIO(found.thumbnail)).convert("RGB")).astype(int)
    shown = np.asarray(Image.fromarray(clip.frames_u8[0]).resize(first.shape[1::-1])).astype(int)
    assert max(first.shape) <= THUMBNAIL_SIDE and np.abs(first - shown).mean() < 25
    codecs = {"mp4": "h264", "webm": "vp9"}
    assert found.codec == codecs.get(suffix, suffix)


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_probed_as_listed(name):
    path = real_file(name)
    stated = next(row for row in json.loads((DATA / "manifest.json").read_text()) if row["path"] == name)
    found = probe(path)
    assert (found.num_frames, found.height, found.width) == tuple(
        stated[key] for key in ("frames_decoded", "height", "width")
    )
    assert found.fps == pytest.approx(stated["fps"], rel=1e-3)
    assert found.codec == {"libdav1d": "av1"}.get(stated["codec"], stated["codec"])
    assert found.sha == stated["sha256"][:16]


def test_content_decides_the_hash(tmp_path):
    first, second = (write_video(tmp_path / f"{name}.webp", moving(3), 8) for name in "ab")
    other = write_video(tmp_path / "c.webp", moving(3, seed=1), 8)
    assert probe(first).sha == probe(second).sha != probe(other).sha


def test_a_rate_that_lies_is_corrected(tmp_path):
    """Frames 250 ms apart in a file that says ten per second; even, so no word about variable rates."""
    encode(tmp_path / "a.mkv", moving(8), times_ms=[250 * index for index in range(8)])
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert float(container.streams.video[0].average_rate) == 10
    found = probe(tmp_path / "a.mkv")
    assert found.fps == pytest.approx(4, rel=0.01) and found.notes == ()


def test_a_folder_of_numbered_pictures_is_one_clip(tmp_path):
    clip = moving(12)
    (tmp_path / "walk").mkdir()
    for index, picture in enumerate(clip):
        Image.fromarray(picture).save(tmp_path / "walk" / f"frame {index + 1}.png")  # 10 comes after 9, not after 1
    assert np.array_equal(read_video(tmp_path / "walk").frames_u8, clip)
    assert np.array_equal(read_video(tmp_path / "walk", max_frames=5).frames_u8, clip[:5])
    found = probe(tmp_path / "walk")
    assert (found.num_frames, found.height, found.width, found.codec) == (12, 24, 36, "png")
    Image.fromarray(moving(1, 32, 32)[0]).save(tmp_path / "walk" / "frame 13.png")
    for look in (probe, read_video):
        with pytest.raises(Unreadable, match="several sizes"):
            look(tmp_path / "walk")
    (tmp_path / "walk" / "notes.txt").touch()
    with pytest.raises(ValueError, match="is a folder; pass one file"):
        read_video(tmp_path / "walk")


def test_errors_travel_between_processes(tmp_path):
    error = Unreadable(tmp_path / "a.mp4", "cut off", "is cut off; copy it again.")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == f"{tmp_path / 'a.mp4'} is cut off; copy it again."
    assert (again.path, again.reason, again.words) == (error.path, error.reason, error.words)


def test_every_frame_and_megabyte_gives_a_sign(tmp_path):
    signs = []
    path = write_video(tmp_path / "a.mp4", moving(12), 8)
    probe(path, lambda: signs.append(1))
    assert len(signs) == 12 + 1
