import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mutoscope.cli.main import main
from mutoscope.data.manifest import ManifestEntry, read_manifest, write_manifest
from mutoscope.data.scan import scan
from mutoscope.data.split import Cuts, Piece, cut, find_pieces, mark_test, split
from mutoscope.video.scenes import Scenes, Stretch
from mutoscope.video.write import write_video

FPS = 25
KINDS = st.sampled_from(["shot", "shot", "black", "frozen"])


def entry(**other):
    values = {"file": "a.mp4", "num_frames": 100, "fps": FPS, "height": 48, "width": 64, "codec": "h264", "sha": "aa"}
    return ManifestEntry.model_validate(values | other)


def scenes_of(lengths):
    stops = np.cumsum([number for _, number in lengths]).tolist()
    stretches = [Stretch(kind, stop - number, stop) for (kind, number), stop in zip(lengths, stops, strict=True)]
    return Scenes(tuple(index / FPS for index in range(stops[-1] + 1)), tuple(stretches))


@settings(max_examples=200, deadline=None)
@given(
    lengths=st.lists(st.tuples(KINDS, st.integers(1, 90)), min_size=1, max_size=6),
    window_s=st.sampled_from([None, 0.2, 1.0]),
    stride_s=st.sampled_from([None, 0.1, 0.2, 1.5]),
    test_tail=st.sampled_from([0.0, 0.2, 0.5]),
    min_s=st.sampled_from([0.0, 0.5]),
)
def test_pieces_are_whole_parts_of_shots(lengths, window_s, stride_s, test_tail, min_s):
    """Never across a cut, never black or frozen, train and test never share a frame; together they are all there is."""
    scenes = scenes_of(lengths)
    cuts = Cuts(window_s=window_s, stride_s=stride_s if window_s else None, test_tail=test_tail, min_s=min_s)
    pieces = find_pieces(scenes, cuts)
    shots = [stretch for stretch in scenes.stretches if stretch.kind == "shot"]
    for first, stop, _ in pieces:
        assert any(shot.first <= first < stop <= shot.stop for shot in shots)
        assert window_s is None or stop - first == round(window_s * FPS)
    sides = {
        side: {index for first, stop, name in pieces if name == side for index in range(first, stop)}
        for side in ("train", "test")
    }
    assert not sides["train"] & sides["test"]
    if window_s is None:
        long = [shot for shot in shots if len(lengths) == 1 or shot.stop - shot.first >= min_s * FPS]
        assert sides["train"] | sides["test"] == {i for shot in long for i in range(shot.first, shot.stop)}
        tails = [round(test_tail * (shot.stop - shot.first)) for shot in long]
        assert len(sides["test"]) == sum(tails)


def test_windows_stand_a_stride_apart():
    scenes = scenes_of([("shot", 100)])
    pieces = find_pieces(scenes, Cuts(window_s=1.0, stride_s=0.4))
    assert pieces == [Piece(first, first + 25) for first in range(0, 76, 10)]
    assert find_pieces(scenes, Cuts(window_s=5.0)) == []
    assert find_pieces(scenes, Cuts(window_s=1.0, test_tail=0.3)) == [
        *(Piece(first, first + 25) for first in (0, 25)), Piece(70, 95, "test")
    ]  # fmt: skip


def test_times_of_pieces_hold_their_frames_and_no_other():
    """At 30000/1001 frames per second no time is a round number: the frames between start_s and end_s are counted."""
    times_s = tuple(index * 1001 / 30000 for index in range(101))
    stretches = tuple(Stretch("shot", first, first + 10) for first in range(0, 100, 10))
    entries = cut(entry(), Scenes(times_s, stretches), Cuts(min_s=0.0))
    for index, piece in enumerate(entries):
        inside = [k for k, time_s in enumerate(times_s) if piece.start_s - 2e-6 <= time_s < piece.end_s]
        assert inside == list(range(10 * index, 10 * index + 10)) and piece.num_frames == 10
        # The frame that is shown at the start is the first of the piece.
        assert max(k for k, time_s in enumerate(times_s) if time_s <= piece.start_s) == 10 * index


def test_a_clip_of_one_shot_stays_whole():
    assert cut(entry(), scenes_of([("shot", 100)]), Cuts()) == [entry()]
    assert cut(entry(num_frames=5), scenes_of([("shot", 5)]), Cuts()) == [entry(num_frames=5)]  # short, but not cut


def test_a_share_is_chosen_by_content_alone():
    shas = [f"{(37 * index) % 101:02x}" for index in range(40)]
    entries = [entry(file=f"{index}-{part}.mp4", sha=sha) for index, sha in enumerate(shas) for part in "ab"]
    marked = mark_test(entries, 0.1)
    assert {e.sha for e in marked if e.split == "test"} == set(sorted(shas)[:4])
    assert mark_test(entries[::-1], 0.1)[::-1] == marked == mark_test(marked, 0.1)
    assert [e.split for e in mark_test([entry(sha="b"), entry(sha="a")], 0.01)] == ["train", "test"]
    assert [e.split for e in mark_test([entry()], 0.5)] == ["train"]


def test_options_that_do_not_go_together():
    with pytest.raises(ValidationError, match="choose one"):
        Cuts(test_share=0.1, test_tail=0.1)
    with pytest.raises(ValidationError, match="without window_s"):
        Cuts(stride_s=1.0)


def blocks(seed, num_frames):
    picture = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).repeat(8, 0).repeat(8, 1)
    return np.stack([np.roll(picture, 2 * index, 1) for index in range(num_frames)]).astype(np.uint8)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A video of two shots with black between, one of one shot, and a picture."""
    folder = tmp_path_factory.mktemp("clips")
    cuts = np.concatenate([blocks(1, 20), np.zeros((10, 48, 64, 3), np.uint8), blocks(2, 30)])
    write_video(folder / "cuts.mp4", cuts, 10)
    write_video(folder / "one.webp", blocks(3, 12), 10)
    write_video(folder / "still.png", blocks(4, 1), 10)
    write_manifest(folder / "manifest.jsonl", scan(folder, folder).entries)
    return folder


@pytest.fixture
def clips(scanned, tmp_path):
    return shutil.copytree(scanned, tmp_path / "clips")


def test_the_last_call_says_it_all(clips, capfd):
    """Twice the same is once; other options start from the whole files; the files stay as they are."""
    files = {path: path.read_bytes() for path in clips.iterdir() if path.name != "manifest.jsonl"}
    whole = (clips / "manifest.jsonl").read_bytes()

    def call(*options):
        assert main(["data", "split", str(clips), "--json", *options]) == 0
        return json.loads(capfd.readouterr().out), (clips / "manifest.jsonl").read_bytes()

    told, cut_once = call()
    assert [(e.file, e.start_s, e.end_s, e.num_frames) for e in read_manifest(clips)] == [
        ("cuts.mp4", 0.0, 2.0, 20), ("cuts.mp4", 3.0, 6.0, 30), ("one.webp", None, None, 12),
        ("still.png", None, None, 1),
    ]  # fmt: skip
    assert told["left_out_s"] == {"black": 1.0, "frozen": 0.0, "short": 0.0} and told["train"]["clips"] == 4
    assert call()[1] == cut_once
    told, windows = call("--window-s", "0.7", "--test-tail", "0.4")
    assert windows != cut_once and told["train"]["clips"] == 5 and told["test"]["clips"] == 2 and not told["problems"]
    told, _ = call("--test-share", "0.3")
    assert told["test"]["clips"] in (1, 2)  # one file: the two shots of cuts.mp4 go together
    assert call()[1] == cut_once
    assert call("--black-level", "-1", "--frozen-level", "-1", "--scene-threshold", "100")[1] == whole
    assert {path: path.read_bytes() for path in files} == files


def test_a_file_of_which_nothing_is_left_is_reported(clips):
    made = split(read_manifest(clips), clips, Cuts(window_s=1.5))
    assert {entry.file for entry in made.entries} == {"cuts.mp4", "still.png"}
    assert [(p.file, p.reason, p.kept) for p in made.problems] == [("one.webp", "nothing left", False)]
    assert made.left_out_s == pytest.approx({"black": 1.0, "frozen": 0.0, "short": 0.5 + 1.2})


def test_pieces_with_captions_of_their_own_are_left_alone(clips):
    first, *rest = split(read_manifest(clips), clips, Cuts()).entries
    entries = [first.model_copy(update={"caption": "written by hand"}), *rest]
    again = split(entries, clips, Cuts(window_s=0.5))
    assert again.entries[:2] == entries[:2] and [p.reason for p in again.problems] == ["own captions"]


def test_a_file_that_is_gone_keeps_its_entry(clips):
    before = read_manifest(clips)
    (clips / "cuts.mp4").unlink()
    after = split(before, clips, Cuts())
    assert after.entries == before and [(p.file, p.reason) for p in after.problems] == [("cuts.mp4", "missing")]


def test_real_scene_cuts(tmp_path):
    from test_scan import real_file

    bikes = real_file("clips/bikes_scene_cuts.mp4")
    shutil.copy(bikes, tmp_path)
    pieces = split(scan(tmp_path, tmp_path).entries, tmp_path, Cuts()).entries
    assert [round(25 * piece.start_s) for piece in pieces] == [0, 30, 76, 137, 187]  # seen by eye; the rest is short
    assert sum(piece.num_frames for piece in pieces) == 242
