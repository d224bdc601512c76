import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_clips import encode

from mutoscope.video.scenes import find_scenes
from mutoscope.video.write import write_video

LIMITS = {"scene_threshold": 10.0, "black_level": 16.0, "frozen_level": 1.0, "frozen_s": 1.0}


def shot(seed, num_frames):
    """A pattern of blocks that slides: every frame differs, shots have nothing in common."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).repeat(16, 0).repeat(16, 1)
    return np.stack([np.roll(blocks, 2 * index, 1) for index in range(num_frames)]).astype(np.uint8)


def still(seed, num_frames):
    return shot(seed, 1).repeat(num_frames, 0)


def black(num_frames):
    return np.zeros((num_frames, 96, 128, 3), np.uint8)


@pytest.mark.parametrize("suffix", ["mp4", "webm", "gif"])
def test_cuts_black_and_frozen_stretches_are_found_to_the_frame(tmp_path, suffix):
    parts = [shot(1, 20), shot(2, 15), black(10), shot(3, 12), still(4, 20), shot(5, 9)]
    path = write_video(tmp_path / f"a.{suffix}", np.concatenate(parts), 10)
    found = find_scenes(path, **LIMITS)
    kinds = ["shot", "shot", "black", "shot", "frozen", "shot"]
    stops = np.cumsum([len(part) for part in parts]).tolist()
    assert [tuple(stretch) for stretch in found.stretches] == list(zip(kinds, [0, *stops], stops, strict=False))
    assert np.allclose(found.times_s, np.arange(len(found.times_s)) / 10, atol=0.002) and len(found.times_s) == 87


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.tuples(st.sampled_from("sbf"), st.integers(1, 14)), min_size=1, max_size=4))
def test_every_frame_is_in_exactly_one_stretch(tmp_path, lengths):
    make = {"s": lambda n, k: shot(k, n), "b": lambda n, k: black(n), "f": lambda n, k: still(k, n)}
    clip = np.concatenate([make[kind](number, seed) for seed, (kind, number) in enumerate(lengths)])
    found = find_scenes(write_video(tmp_path / "a.mp4", clip, 10), **LIMITS)
    assert [stretch.first for stretch in found.stretches] == [0, *(s.stop for s in found.stretches[:-1])]
    assert found.stretches[-1].stop == len(clip) == len(found.times_s) - 1
    assert all(earlier < later for earlier, later in zip(found.times_s, found.times_s[1:], strict=False))


def test_thresholds_switch_each_kind_off(tmp_path):
    path = write_video(tmp_path / "a.mp4", np.concatenate([shot(1, 12), shot(2, 12), black(5), still(4, 20)]), 10)

    def kinds(**other):
        return [stretch.kind for stretch in find_scenes(path, **(LIMITS | other)).stretches]

    assert kinds() == ["shot", "shot", "black", "frozen"]
    assert kinds(black_level=-1.0) == ["shot", "shot", "shot", "frozen"]
    assert kinds(frozen_level=-1.0) == ["shot", "shot", "black", "shot"]
    assert kinds(frozen_s=3.0) == ["shot", "shot", "black", "shot"]
    assert kinds(scene_threshold=90.0) == ["shot", "black", "frozen"]


def test_slow_change_is_not_frozen(tmp_path):
    """Each frame differs from the one before by less than the level, the last one from the first by far more."""
    ramp = np.stack([np.full((96, 128, 3), 100 + index // 2, np.uint8) for index in range(40)])
    path = write_video(tmp_path / "a.webp", ramp, 10)
    assert [stretch.kind for stretch in find_scenes(path, **LIMITS).stretches] == ["shot"]


def test_times_are_those_of_the_file(tmp_path):
    times_ms = [0, 100, 150, 400, 500, 600]
    encode(tmp_path / "a.mkv", shot(1, 6), times_ms=times_ms)
    assert [round(1000 * time) for time in find_scenes(tmp_path / "a.mkv", **LIMITS).times_s[:-1]] == times_ms
