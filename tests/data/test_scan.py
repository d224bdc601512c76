"""What a scan finds in folders of good, odd, bad and hostile files."""

import json
import os
from pathlib import Path

import bad_files
import pytest
from bad_files import BAD, SENTINEL
from PIL import Image
from small_clips import moving, mp4

from mutoscope.cli.main import main
from mutoscope.data.manifest import read_manifest
from mutoscope.data.scan import scan
from mutoscope.video.read import read_video

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


def real_file(name):
    if not (DATA / name).exists():
        pytest.skip(f"the shared test data are not here ({name})")
    return DATA / name


def snapshot(folder):
    """Every path below a folder with what it holds; nothing is followed."""
    return {
        path: os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else path.lstat().st_mode
        for path in folder.rglob("*")
    }


def test_every_kind_of_bad_file_is_reported_and_none_is_fatal(tmp_path, capfd):
    """More than 25 kinds in one folder: each reported for its reason, the rest used, nothing outside touched."""
    clips, outside = tmp_path / "clips", tmp_path / "outside"
    bad_files.make_outside(outside)
    rows = [row for row in BAD if row.make is not bad_files.unreadable or os.geteuid() != 0]  # root reads anyway
    for row in rows:
        (clips / row.make.__name__).mkdir(parents=True)
        row.make(clips / row.make.__name__)
    before = snapshot(tmp_path)
    assert main(["data", "scan", str(clips), "--json", "--limit-s", "60"]) == 0
    told = json.loads(capfd.readouterr().out)

    problems = {(row["file"], row["reason"]): row for row in told["problems"]}
    entries = read_manifest(clips)
    used = {entry.file.split("/")[0] for entry in entries}
    assert len(rows) >= 25
    wrong = []
    for row in rows:
        name = row.make.__name__
        if (f"{name}/{row.file}", row.reason) not in problems or (name in used) != row.used:
            wrong.append((name, [problem for file, problem in problems.items() if file[0].startswith(name)]))
    assert not wrong
    assert all("\n" not in problem["file"] + problem["words"] for problem in problems.values())
    assert not [problem for problem in problems.values() if problem["reason"] == "took too long"]

    after = snapshot(tmp_path)
    assert set(after) - set(before) == {clips / "manifest.jsonl", clips / "data.html"}
    assert {path: after[path] for path in before} == before
    written = (clips / "manifest.jsonl").read_text() + (clips / "data.html").read_text()
    assert SENTINEL not in written + json.dumps(told)
    assert not [entry.file for entry in entries if entry.file.startswith("..")]


def test_odd_names_are_carried_through(tmp_path):
    """Spaces, emoji, line breaks, dashes, markup: the manifest names files that exist, with their captions."""
    bad_files.fine(tmp_path)
    found = scan(tmp_path, tmp_path)
    assert found.problems == [] and found.num_others == 1
    captions = {entry.file: entry.caption for entry in found.entries}
    assert captions == {
        "x.mp4/inside.mp4": "fenêtre", "walk": "someone walks",
        **{name: f"the clip {len(name)}" for name in bad_files.FINE},
    }  # fmt: skip
    for entry in found.entries:
        clip = read_video(tmp_path / entry.file)
        assert clip.frames_u8.shape == (entry.num_frames, entry.height, entry.width, 3) and clip.fps == entry.fps


def test_pictures_of_several_sizes_in_a_folder_are_clips_of_their_own(tmp_path):
    for index, side in enumerate((24, 24, 32)):
        (tmp_path / "set").mkdir(exist_ok=True)
        Image.fromarray(moving(1, side, side, seed=index)[0]).save(tmp_path / "set" / f"{index}.png")
    found = scan(tmp_path, tmp_path)
    assert [(e.file, e.num_frames, e.caption) for e in found.entries] == [
        (f"set/{index}.png", 1, "set") for index in range(3)
    ]
    assert found.problems == []


def test_a_manifest_elsewhere_names_files_relative_to_itself(tmp_path, capfd):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(mp4())
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real", target_is_directory=True)
    before = snapshot(tmp_path / "clips")
    assert main(["data", "scan", str(tmp_path / "clips"), "--out", str(tmp_path / "out" / "set.jsonl")]) == 0
    said = capfd.readouterr()
    assert "captions missing  1" in said.out and "mutoscope train clips --data.folder" in said.err
    assert snapshot(tmp_path / "clips") == before
    assert {path.name for path in (tmp_path / "real").iterdir()} == {"set.jsonl", "data.html"}
    (entry,) = read_manifest(tmp_path / "out" / "set.jsonl")
    assert entry.file == "../clips/a.mp4" and (tmp_path / "out" / entry.file).samefile(tmp_path / "clips" / "a.mp4")


def test_two_scans_are_the_same_bytes(tmp_path):
    bad_files.fine(tmp_path)
    written = []
    for _ in range(2):
        assert main(["data", "scan", str(tmp_path)]) == 0
        written.append([(tmp_path / name).read_bytes() for name in ("manifest.jsonl", "data.html")])
    assert written[0] == written[1]


def test_real_clips():
    """The twenty signs with the captions of their table, all other files accounted for."""
    folder = real_file("captions.csv").parent
    found = scan(folder, folder)
    signs = [entry for entry in found.entries if entry.file.startswith("asl_gestures/")]
    assert len(signs) == 20 and all(entry.caption.startswith("a person signs the word") for entry in signs)
    assert {entry.codec for entry in found.entries} == {"h264", "hevc", "av1"}
    assert not [problem for problem in found.problems if not problem.kept]
    assert {problem.file for problem in found.problems if problem.reason == "no caption"} == {
        entry.file for entry in found.entries if entry.file.startswith("formats/")
    }


@pytest.mark.parametrize("name", ["gone", "file"])
def test_what_is_no_folder_is_one_line(tmp_path, capfd, name):
    (tmp_path / "file").touch()
    assert main(["data", "scan", str(tmp_path / name)]) == 2
    assert "pass the folder that holds your clips" in capfd.readouterr().err
