"""Clips in the studio: what is listed and shown of them, and nothing outside of the workspace."""

import pytest

pytest.importorskip("fastapi", reason="the studio's packages are not installed")
from fastapi.testclient import TestClient
from folder_of_clips import make_folder
from PIL import Image
from small_clips import encode, moving
from studio_clips import edit, look, rewrite, scanned

from mutoscope.data.manifest import MANIFEST, read_manifest, write_manifest
from mutoscope.studio.app import build_app
from mutoscope.studio.workspace import Workspace
from mutoscope.video.read import read_video
from mutoscope.video.write import write_video


@pytest.fixture
def client(tmp_path):
    return TestClient(build_app(Workspace(tmp_path)))


# ------------------------------------------------------------------------------------------------ listing


def test_sets_are_found_below_the_workspace_and_nowhere_else(tmp_path, client):
    assert client.get("/api/data/sets").json() == []
    (tmp_path / "outside").mkdir()
    work = tmp_path / "work"
    for name in ("clips", "a/b/c/d", "a/b/c/d/e", ".hidden", "runs/one", "x/.y", "broken"):
        make_folder(work / name, lengths=(12,))
    make_folder(tmp_path / "outside", lengths=(12,))
    make_folder(work, lengths=(12,))
    (work / "broken" / MANIFEST).write_text('{"file": 3}\n')
    (work / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    (work / "led").mkdir()
    (work / "led" / MANIFEST).symlink_to(tmp_path / "outside" / MANIFEST)
    client = TestClient(build_app(Workspace(work)))
    found = client.get("/api/data/sets").json()
    assert [row["id"] for row in found] == ["a/b/c/d", "broken", "clips"]
    assert found[2] == {"id": "clips", "clips": 1, "seconds": 1.2, "problem": None}
    assert "line 1" in found[1]["problem"] and found[1]["clips"] == 0
    assert client.get("/api/data/set", params={"set": "broken"}).status_code == 422


def test_what_is_told_of_clips(tmp_path, client):
    make_folder(tmp_path / "clips", lengths=(20, 9, 18, 17), test=1)
    (first, *_) = read_manifest(tmp_path / "clips")
    rewrite(tmp_path / "clips", **{"2.mp4": {"sha": first.sha, "caption": ""}})
    (tmp_path / "clips" / "3.mp4").unlink()
    told = look(client)
    assert told["counts"] == {"clips": 4, "uncaptioned": 1, "duplicates": 1, "problems": 3}
    assert [row["problems"] for row in told["clips"]] == [
        [], ["too short: 9 of 17 frames"], ["no caption"], ["the file is missing"],
    ]  # fmt: skip
    assert [row["duplicate_of"] for row in told["clips"]] == [None, None, "0.mp4", None]
    assert told["clips"][0] == {
        **first.model_dump(), "seconds": 2.0, "problems": [], "duplicate_of": None, "plays": True
    }  # fmt: skip
    assert told["undo"] is None


def test_equal_files_are_duplicates_only_in_equal_pieces(tmp_path, client):
    (entry,) = make_folder(tmp_path / "clips", lengths=(20,))
    pieces = [entry.model_copy(update={"start_s": s, "end_s": s + 1.0, "num_frames": 10}) for s in (0.0, 1.0, 0.0)]
    write_manifest(tmp_path / "clips" / MANIFEST, pieces)
    assert [row["duplicate_of"] for row in look(client)["clips"]] == [None, None, "0.mp4"]


@pytest.mark.parametrize(
    "wish, files",
    [
        ({}, "01234"),
        ({"search": "PATTERN 3"}, "3"),
        ({"search": "4.MP4"}, "4"),
        ({"search": "block 2"}, "2"),
        ({"search": "nothing such"}, ""),
        ({"split": "test"}, "34"),
        ({"problems": True}, "124"),
        ({"uncaptioned": True}, "1"),
        ({"duplicates": True}, "3"),
        ({"problems": True, "split": "test"}, "4"),
    ],
)
def test_filters(tmp_path, client, wish, files):
    make_folder(tmp_path / "clips", lengths=(20, 20, 3, 20, 3), test=2)
    (first, *_) = read_manifest(tmp_path / "clips")
    rewrite(tmp_path / "clips", **{"1.mp4": {"caption": ""}, "3.mp4": {"sha": first.sha}})
    told = look(client, **wish)
    assert [row["file"] for row in told["clips"]] == [f"{name}.mp4" for name in files]
    assert told["found"] == len(files) and told["counts"]["clips"] == 5


def test_pages(tmp_path, client):
    (entry,) = make_folder(tmp_path / "clips", lengths=(20,))
    many = [entry.model_copy(update={"file": f"{k:04}.mp4", "sha": f"{k:016}"}) for k in range(1001)]
    write_manifest(tmp_path / "clips" / MANIFEST, many)
    told = look(client, size=200, page=6)
    assert (told["found"], told["page"], told["pages"]) == (1001, 6, 6)
    assert [row["file"] for row in told["clips"]] == ["1000.mp4"]
    assert look(client, size=200, page=9999)["page"] == 6
    for wrong in ({"size": 201}, {"size": 0}, {"page": 0}, {"split": "both"}, {"search": "x" * 201}, {"other": 1}):
        answer = client.get("/api/data/set", params={"set": "clips", **wrong})
        assert answer.status_code == 422 and list(wrong) == list(answer.json()["fields"])


# ------------------------------------------------------------------------------------------ hostile names


@pytest.mark.parametrize("name", ["", ".", "..", "../out", "/etc", "clips/../../out", "runs/r", ".own", "x\0y", "link"])
def test_no_set_is_outside(tmp_path, name):
    work = tmp_path / "work"
    for folder in (work, work / "runs/r", work / ".own", tmp_path / "out"):
        make_folder(folder, lengths=(12,))
    (work / "link").symlink_to(tmp_path / "out", target_is_directory=True)
    client = TestClient(build_app(Workspace(work)), raise_server_exceptions=False)
    before = (tmp_path / "out" / MANIFEST).read_bytes()
    clip = {"set": name, "file": "0.mp4"}
    assert client.get("/api/data/set", params={"set": name}).status_code == 404
    assert client.get("/api/data/thumbnail", params=clip).status_code == 404
    assert client.get("/api/data/clip", params=clip).status_code == 404
    assert client.post("/api/data/caption", json={**clip, "caption": "x"}).status_code == 404
    assert client.post("/api/data/undo", json={"set": name}).status_code == 404
    assert (tmp_path / "out" / MANIFEST).read_bytes() == before


@pytest.mark.parametrize("file", ["../../out/0.mp4", "{out}/0.mp4", "link.mp4", "folder/0.mp4", "x\0y.mp4"])
def test_no_clip_is_outside(tmp_path, file):
    """Not even where the manifest says so."""
    work, out = tmp_path / "work", tmp_path / "out"
    make_folder(out, lengths=(20,))
    (out / "0.txt").write_text("a secret")
    (entry,) = make_folder(work / "clips", lengths=(20,))
    (work / "clips" / "link.mp4").symlink_to(out / "0.mp4")
    (work / "clips" / "folder").symlink_to(out, target_is_directory=True)
    file = file.replace("{out}", str(out))
    write_manifest(work / "clips" / MANIFEST, [entry.model_copy(update={"file": file, "caption": ""})])
    client = TestClient(build_app(Workspace(work)), raise_server_exceptions=False)
    clip = {"set": "clips", "file": file}
    assert look(client)["clips"][0]["problems"][0] == "the file is missing"
    assert client.get("/api/data/thumbnail", params=clip).status_code == 404
    assert client.get("/api/data/clip", params=clip).status_code == 404
    assert client.post("/api/data/caption", json={**clip, "caption": "x"}).status_code == 404
    assert (out / "0.txt").read_text() == "a secret"


def test_only_clips_of_the_manifest_are_given(tmp_path, client):
    make_folder(tmp_path / "clips", lengths=(12,))
    for file in (MANIFEST, "../clips/0.mp4", "1.mp4"):
        assert client.get("/api/data/clip", params={"set": "clips", "file": file}).status_code == 404


def test_a_text_that_leads_outside_is_neither_read_nor_written(tmp_path):
    make_folder(tmp_path / "work/clips", lengths=(20,))
    (tmp_path / "secret").write_text("a secret")
    (tmp_path / "work/clips/0.txt").symlink_to(tmp_path / "secret")
    client = TestClient(build_app(Workspace(tmp_path / "work")))
    answer = edit(client, "0.mp4", "mine")
    assert answer.status_code == 422 and "link" in answer.json()["fields"]["caption"]
    assert (tmp_path / "secret").read_text() == "a secret" and "secret" not in answer.text.replace("0.txt", "")


def test_markup_is_text(tmp_path, client):
    make_folder(tmp_path / "clips", lengths=(20,))
    script = "<script>alert(1)</script>"
    assert edit(client, "0.mp4", script).status_code == 200
    answer = client.get("/api/data/set", params={"set": "clips"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["clips"][0]["caption"] == script


# ------------------------------------------------------------------------------------------------ looking


def test_a_thumbnail_is_made_once(tmp_path, client, monkeypatch):
    make_folder(tmp_path / "clips", lengths=(20,), height=240, width=360)
    clip = {"set": "clips", "file": "0.mp4", "version": "any"}
    answer = client.get("/api/data/thumbnail", params=clip)
    assert answer.headers["content-type"] == "image/webp"
    (kept,) = (tmp_path / ".mutoscope/thumbnails").iterdir()
    with Image.open(kept) as image:
        assert image.size == (160, 107)
    monkeypatch.setattr("mutoscope.studio.clip_files._frames", None)  # nothing is decoded any more
    assert client.get("/api/data/thumbnail", params=clip).content == answer.content


def test_clips_play_as_they_are_or_converted(tmp_path, client):
    make_folder(tmp_path / "clips", lengths=(20,))
    write_video(tmp_path / "clips" / "1.gif", moving(12, 24, 36), 10.0)
    encode(tmp_path / "clips" / "2.mkv", moving(12, 24, 36))
    scanned(tmp_path / "clips")
    assert [row["plays"] for row in look(client)["clips"]] == [True, False, False]
    for file in ("0.mp4", "1.gif", "2.mkv"):
        answer = client.get("/api/data/clip", params={"set": "clips", "file": file})
        assert answer.headers["content-type"] == "video/mp4"
        (tmp_path / "got.mp4").write_bytes(answer.content)
        assert len(read_video(tmp_path / "got.mp4").frames_u8) == (20 if file == "0.mp4" else 12)
    clip = {"set": "clips", "file": "0.mp4"}
    assert client.get("/api/data/clip", params=clip, headers={"range": "bytes=0-9"}).status_code == 206


def test_a_piece_shows_its_own_first_frame(tmp_path, client):
    encode(tmp_path / "film.mkv", [*[moving(1)[0] * 0] * 10, *[moving(1)[0] * 0 + 255] * 10])
    (tmp_path / "clips").mkdir()
    (tmp_path / "film.mkv").rename(tmp_path / "clips/film.mkv")
    scanned(tmp_path / "clips")
    (entry,) = read_manifest(tmp_path / "clips")
    pieces = [entry.model_copy(update={"start_s": s, "end_s": s + 1.0, "num_frames": 10}) for s in (0.0, 1.0)]
    write_manifest(tmp_path / "clips" / MANIFEST, pieces)
    for start, light in ((0.0, 0), (1.0, 255)):
        clip = {"set": "clips", "file": "film.mkv", "start_s": start, "end_s": start + 1}
        (tmp_path / "t.webp").write_bytes(client.get("/api/data/thumbnail", params=clip).content)
        with Image.open(tmp_path / "t.webp") as image:
            assert abs(image.convert("L").getextrema()[0] - light) < 10
        (tmp_path / "t.mp4").write_bytes(client.get("/api/data/clip", params=clip).content)
        assert len(read_video(tmp_path / "t.mp4").frames_u8) == 10


def test_what_is_no_clip_any_more_is_told_in_words(tmp_path, client):
    make_folder(tmp_path / "clips", lengths=(20, 20))
    (tmp_path / "clips" / "0.mp4").write_bytes(b"no clip")
    (tmp_path / "clips" / "1.mp4").unlink()
    for file, status in (("0.mp4", 422), ("1.mp4", 404)):
        answer = client.get("/api/data/thumbnail", params={"set": "clips", "file": file})
        assert answer.status_code == status and file in answer.json()["message"]
