"""A folder of clips as endless numbered examples."""

import numpy as np
import pytest
import torch
from folder_of_clips import make_folder
from pydantic import TypeAdapter, ValidationError

from mutoscope.data import clips as clips_module
from mutoscope.data.clips import FolderClips
from mutoscope.data.config import ClipsConfig, DataConfig, SpriteConfig
from mutoscope.data.manifest import MANIFEST, read_manifest, write_manifest
from mutoscope.data.windows import Window, draw_window, even_windows, frames_at, shown
from mutoscope.video.read import read_video


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips")
    make_folder(path, (12, 20, 9, 16), test=1)
    return path


def config(folder, **changes):
    return ClipsConfig(folder=str(folder), **({"num_frames": 5, "height": 24, "width": 36, "fps": 10.0} | changes))


def test_a_number_is_always_the_same_clip(folder):
    source, again = FolderClips(config(folder), "train", 0), FolderClips(config(folder), "train", 0)
    numbers = [0, 1, 2, 3, 100, 7]
    batch = source.batch(numbers)
    assert batch.frames.shape == (6, 3, 5, 24, 36) and batch.frames.abs().max() <= 1
    for place in (5, 4, 0):  # in another order, from another object
        alone = again.batch([numbers[place]])
        assert torch.equal(alone.frames[0], batch.frames[place]) and alone.captions == [batch.captions[place]]
    assert source.captions(numbers) == batch.captions
    other = FolderClips(config(folder), "train", 1)
    assert any(not torch.equal(source.batch([i]).frames, other.batch([i]).frames) for i in range(3))


def test_every_epoch_visits_every_clip_once_and_sixteen_clips_never_give_an_empty_batch(folder):
    source = FolderClips(config(folder), "train", 0)
    assert len(source) == 3
    for epoch in (0, 1, 50):
        said = source.captions(range(3 * epoch, 3 * epoch + 3))
        assert sorted(said) == [f"a block over pattern {k}" for k in range(3)]
    assert len(source.batch(range(40)).captions) == 40


def test_windows_are_stretches_of_the_file(folder):
    """At the file's own size and rate an example is a slice of what read_video gives."""
    source = FolderClips(config(folder), "train", 0)
    starts = set()
    for number in range(12):
        frames = ((source.batch([number]).frames[0] + 1) * 127.5).round().permute(1, 2, 3, 0).numpy()
        name = source.captions([number])[0].split()[-1]
        whole = read_video(folder / f"{name}.mp4").frames_u8
        errors = [np.abs(frames - whole[k : k + 5]).mean() for k in range(len(whole) - 4)]
        assert min(errors) < 2 and sorted(errors)[1] > 4 * min(errors)  # one place fits, no other does
        starts.add((name, int(np.argmin(errors))))
    assert len(starts) > 6  # jittered


def test_decoding_every_window_equals_keeping_all(folder, monkeypatch):
    kept = FolderClips(config(folder), "train", 0).batch(range(6)).frames
    monkeypatch.setattr(clips_module, "HELD_BYTES", 0)
    anew = FolderClips(config(folder), "train", 0)
    assert torch.equal(anew.batch(range(6)).frames, kept)
    ahead = FolderClips(config(folder, workers=1), "train", 0)
    assert torch.equal(ahead.batch(range(3)).frames, kept[:3])
    assert torch.equal(ahead.batch(range(3, 6)).frames, kept[3:])  # as guessed
    assert torch.equal(ahead.batch([1, 5]).frames, kept[[1, 5]])  # not as guessed


def test_pieces_of_a_file_stay_inside(folder, tmp_path):
    entry = read_manifest(folder)[1]
    piece = entry.model_copy(update={"start_s": 0.5, "end_s": 1.2, "num_frames": 7, "file": str(folder / "1.mp4")})
    write_manifest(tmp_path / MANIFEST, [piece])
    source = FolderClips(config(tmp_path, num_frames=7), "train", 0)
    whole = FolderClips(config(folder, num_frames=20), "train", 0).batch([0]).frames[0]
    assert torch.equal(source.batch([0]).frames[0], whole[:, 5:12])


def test_test_windows_are_fixed_and_cover_the_clip(folder):
    source = FolderClips(config(folder), "test", 0)
    assert len(source) == 3  # 16 frames, 5 at a time
    whole = FolderClips(config(folder, num_frames=16), "test", 0).batch([0]).frames[0]
    for number in range(3):
        assert torch.equal(source.batch([number]).frames[0], whole[:, 5 * number : 5 * number + 5])
    assert torch.equal(FolderClips(config(folder), "test", 9).batch([4]).frames, source.batch([1]).frames)


def test_mirroring_is_half_of_the_time(folder):
    plain = FolderClips(config(folder), "train", 0)
    mirrored = FolderClips(config(folder, mirror=True), "train", 0)
    same = [torch.equal(plain.batch([i]).frames, mirrored.batch([i]).frames) for i in range(40)]
    flipped = [torch.equal(plain.batch([i]).frames.flip(-1), mirrored.batch([i]).frames) for i in range(40)]
    assert all(a != b for a, b in zip(same, flipped, strict=True)) and 8 < sum(flipped) < 32


def test_zoom_shows_parts_at_the_size_of_the_whole(folder):
    plain = FolderClips(config(folder), "train", 0)
    zoomed = FolderClips(config(folder, zoom=1.5), "train", 0)
    assert zoomed.num_bytes == pytest.approx(1.5**2 * plain.num_bytes)
    whole, parts = plain.batch(range(20)).frames, zoomed.batch(range(20)).frames
    assert parts.shape == whole.shape  # and of the same moments:
    assert (parts.mean(dim=(1, 3, 4)) - whole.mean(dim=(1, 3, 4))).abs().max() < 0.2
    assert len({tuple(clip.flatten(1)[:, 0].tolist()) for clip in parts}) > 15  # each another part
    kept, measured = (FolderClips(config(folder, zoom=zoom), "test", 0).batch([0]).frames for zoom in (1.0, 1.5))
    assert torch.equal(kept, measured)  # what measures is always the whole


def test_a_part_of_a_ramp_is_a_flatter_ramp():
    ramp = np.broadcast_to(np.arange(0, 160, 2, dtype=np.uint8)[None, None, :, None], (2, 60, 80, 3))
    found = shown(ramp, Window(0, part=(0.8, 0.5, 1.0)), (2, 30, 40))
    assert found.shape == (2, 30, 40, 3)  # 64 of 80 columns, the last ones, on 40: steps of 2 * 64 / 40
    expected = 2 * (16 + (np.arange(40) + 0.5) * 64 / 40 - 0.5)
    assert np.abs(found[0, 7, 2:-2, 0] - expected[2:-2]).max() <= 1
    turned = shown(ramp, Window(0, mirrored=True, part=(0.8, 0.5, 1.0)), (2, 30, 40))
    assert np.array_equal(turned, found[:, :, ::-1])


def test_shapes_by_bucket(tmp_path):
    make_folder(tmp_path, (9, 9), 32, 32)
    tall = make_folder(tmp_path / "tall", (9,), 48, 24)
    entries = read_manifest(tmp_path)
    write_manifest(tmp_path / MANIFEST, [*entries, tall[0].model_copy(update={"file": "tall/0.mp4"})])
    source = FolderClips(config(tmp_path, height=16, width=16, buckets=((5, 24, 16),)), "train", 0)
    shapes = source.shapes(range(3))
    assert sorted(shapes) == [(5, 16, 16), (5, 16, 16), (5, 24, 16)]
    with pytest.raises(ValueError, match="several shapes"):
        source.batch(range(3))
    number = shapes.index((5, 24, 16))
    assert source.batch([number]).frames.shape[-2:] == (24, 16)


def test_what_is_wrong_is_said_in_one_line(folder, tmp_path):
    with pytest.raises(
        ValueError, match=r"none of the 3 clips .* 40 frames at 10 per second; the longest has 20\. Try"
    ):
        FolderClips(config(folder, num_frames=40), "train", 0)
    make_folder(tmp_path, (9,))
    with pytest.raises(ValueError, match="no clips of the split 'test'"):
        FolderClips(config(tmp_path), "test", 0)
    source = FolderClips(config(tmp_path), "train", 0)
    (tmp_path / "0.mp4").unlink()
    with pytest.raises(ValueError, match=r"0\.mp4 is in the manifest but is gone"):
        source.batch([0])
    assert FolderClips(config(folder, num_frames=10), "train", 0).too_short == 1


def test_identity_changes_with_the_clips_and_what_is_done_to_them(folder, tmp_path):
    make_folder(tmp_path, (12, 20, 9, 16), test=1)
    same = FolderClips(config(tmp_path), "train", 0).identity
    assert same == FolderClips(config(folder), "train", 0).identity  # wherever the folder is
    assert same != FolderClips(config(folder, fps=5.0), "train", 0).identity
    entries = read_manifest(tmp_path)
    write_manifest(tmp_path / MANIFEST, [entries[0].model_copy(update={"sha": "other"}), *entries[1:]])
    assert same != FolderClips(config(tmp_path), "train", 0).identity


def test_whose_clips_is_told_apart_before_validation():
    kinds = TypeAdapter(DataConfig)
    assert isinstance(kinds.validate_python({"folder": "x"}), ClipsConfig)
    assert isinstance(kinds.validate_python({}), SpriteConfig)
    with pytest.raises(ValidationError, match="num_frame") as caught:
        kinds.validate_python({"folder": "x", "num_frame": 3})
    assert len(caught.value.errors()) == 1


def test_windows():
    entry = read_manifest_entry(num_frames=30, fps=30.0)
    assert frames_at(entry, 10.0) == 10 and frames_at(entry, 30.0) == 30 and frames_at(entry, 29.0) == 29
    assert frames_at(entry.model_copy(update={"num_frames": 1}), 10.0) == 1
    assert [window.start for window in even_windows(17, 5)] == [0, 5, 10]
    starts = [draw_window(0, number, 12, 5, False).start for number in range(400)]
    assert set(starts) == set(range(8)) and abs(np.mean(starts) - 3.5) < 0.4


def read_manifest_entry(**changes):
    from mutoscope.data.manifest import ManifestEntry

    return ManifestEntry(**({"file": "a.mp4", "height": 8, "width": 8, "codec": "h264", "sha": ""} | changes))
