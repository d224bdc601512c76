"""The end of a clip: the right pictures, at another rate, of every kind of file."""

import numpy as np
import pytest

from mutoscope.video.read import read_video
from mutoscope.video.tail import read_tail, shown_at
from mutoscope.video.write import write_video


def numbered(n):
    """Frame k is grey of level 9 k: recognised after compression."""
    return np.repeat(np.arange(n, dtype=np.uint8) * 9, 16 * 16 * 3).reshape(n, 16, 16, 3)


def levels(frames_u8):
    return (frames_u8.mean(axis=(1, 2, 3)) / 9).round().astype(int).tolist()


@pytest.mark.parametrize("suffix", ["mp4", "webm", "gif", "webp"])
@pytest.mark.parametrize(
    ("num_frames", "fps", "expected"),
    [
        (3, 20, [22, 23, 24]),
        (4, 10, [18, 20, 22, 24]),
        (3, 5, [16, 20, 24]),
        (1, 7, [24]),
        (4, 40, [22, 23, 23, 24]),  # slower than asked for: pictures stay, none is invented
        (99, 5, [0, 4, 8, 12, 16, 20, 24]),  # all there is
    ],
)
def test_the_end_at_another_rate(tmp_path, suffix, num_frames, fps, expected):
    path = write_video(tmp_path / f"clip.{suffix}", numbered(25), 20)
    assert levels(read_tail(path, num_frames, fps)) == expected


@pytest.mark.parametrize("suffix", ["npy", "png"])
def test_files_without_a_rate_are_taken_as_they_are(tmp_path, suffix):
    frames_u8 = numbered(6)
    path = tmp_path / f"clip.{suffix}"
    write_video(path, frames_u8, 8)
    expected = read_video(path).frames_u8[-2:]
    assert np.array_equal(read_tail(path, 2, 3.0), expected)


def test_a_folder_of_pictures(tmp_path):
    for k, frame in enumerate(numbered(4)):
        write_video(tmp_path / "frames" / f"{k:03d}.png", frame[None], 8)
    assert levels(read_tail(tmp_path / "frames", 2, 3.0)) == [2, 3]


def test_times_that_are_not_even():
    times_s = [0.0, 0.1, 0.2, 0.9, 1.0]
    assert shown_at(times_s, 5, 4.0) == [0, 2, 2, 2, 4]  # at 0, 0.25, 0.5, 0.75 and 1 s
    assert shown_at([5.0], 3, 1.0) == [0]


def test_memory_holds_the_end_only(tmp_path, monkeypatch):
    """Of 25 frames at most those of the last 0.1 s are held, and one that is still shown when it begins."""
    from mutoscope.video import tail

    held, real = [], tail.deque

    class Watched(real):
        def popleft(self):
            held.append(len(self))
            return super().popleft()

    monkeypatch.setattr(tail, "deque", Watched)
    path = write_video(tmp_path / "clip.mp4", numbered(25), 20)
    assert levels(read_tail(path, 3, 20)) == [22, 23, 24]
    assert max(held) <= 5 and len(held) >= 20


@pytest.mark.parametrize(("name", "message"), [("none.mp4", "does not exist"), ("text.mp4", "not a readable video")])
def test_files_that_are_no_clips(tmp_path, name, message):
    (tmp_path / "text.mp4").write_text("this is no video " * 50)
    with pytest.raises(ValueError, match=message):
        read_tail(tmp_path / name, 3, 8.0)
