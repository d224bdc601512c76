"""Clips in the studio: what is listed, what is shown, and captions that a scan made again finds."""

import json
import threading
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the studio's packages are not installed")
from fastapi.testclient import TestClient
from folder_of_clips import make_folder
from PIL import Image
from small_clips import encode, moving, mp4

from mutoscope.data.manifest import MANIFEST, read_manifest, write_manifest
from mutoscope.data.scan import scan
from mutoscope.studio import captions
from mutoscope.studio.app import build_app
from mutoscope.studio.workspace import Workspace
from mutoscope.video.read import read_video
from mutoscope.video.write import write_video


@pytest.fixture
def client(tmp_path):
    return TestClient(build_app(Workspace(tmp_path)))


def look(client, set="clips", **wish):
    answer = client.get("/api/data/set", params={"set": set, **wish})
    assert answer.status_code == 200, answer.text
    return answer.json()


def edit(client, file, caption, set="clips", **more):
    return client.post("/api/data/caption", json={"set": set, "file": file, "caption": caption, **more})


def rewrite(folder, **changes):
    """Change entries of a manifest by file: rewrite(folder, **{"0.mp4": {"caption": "x"}})."""
    entries = [entry.model_copy(update=changes.get(entry.file, {})) for entry in read_manifest(folder)]
    write_manifest(folder / MANIFEST, entries)


def scanned(folder, out=None):
    """Scan again; captions by file."""
    found = scan(folder, out or folder).entries
    write_manifest((out or folder) / MANIFEST, found)
    return {entry.file: entry.caption for entry in found}


def clips_in(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(mp4())


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
    assert client.get("/api/data/clip", params={"set": "clips", "file": "0.mp4"}, headers={"range": "bytes=0-9"}).status_code == 206  # fmt: skip


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


# ------------------------------------------------------------------------------------------------ captions

FILES = ["a.mp4", "walking_dog/b.mp4", "walking_dog/c.mp4"]
CSV = 'label;File;Caption\r\n"1";a.mp4;"old\na"\r\n\r\n2;walking_dog\\b.mp4;"old; ""b"""\r\n3;"a.mp4";ignored\r\n'
JSONL = '{"n": 1.50, "caption" : "old a", "file":"a.mp4"}\r\n\n{"x": {"caption": "old"}, "caption": "old", "file": "walking_dog/b.mp4"}'  # fmt: skip
SOURCES = {
    "nothing": {},
    "text": {"a.txt": "old a\n", "walking_dog/b.txt": "old b"},
    "text of another office": {"a.txt": "old à".encode("utf-16"), "walking_dog/b.txt": "\ufeffold b"},
    "csv": {"captions.csv": CSV},
    "csv, utf-16": {"captions.csv": CSV.encode("utf-16")},
    "csv, utf-8 with a mark": {"captions.csv": f"\ufeff{CSV}"},
    "csv, nearer": {"captions.csv": CSV, "walking_dog/captions.csv": "file,caption\nb.mp4,near"},
    "jsonl": {"captions.csv": CSV, "captions.jsonl": JSONL},
    "jsonl, another key": {"captions.jsonl": '{"c\\u0061ption": "old", "file": "walking_dog/b.mp4"}\n'},
    "text before jsonl": {"captions.jsonl": JSONL, "walking_dog/b.txt": "text"},
}


def write_sources(folder, sources):
    for name, content in sources.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("source", SOURCES)
def test_a_scan_made_again_finds_the_edit_and_nothing_else_new(tmp_path, client, source):
    """Whatever kind of file the caption came from; and after undo, what was there before."""
    folder = tmp_path / "clips"
    clips_in(folder, *FILES)
    write_sources(folder, SOURCES[source])
    before = scanned(folder)
    bytes_before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told = edit(client, "walking_dog/b.mp4", ' a "new",  one; ünd\t🎬 ', before=before["walking_dog/b.mp4"])
    assert told.status_code == 200, told.text
    after = {**before, "walking_dog/b.mp4": 'a "new", one; ünd 🎬'}
    assert {row["file"]: row["caption"] for row in look(client)["clips"]} == after
    assert len(told.json()["kept_in"]) == 2
    assert scanned(folder) == after
    assert client.post("/api/data/undo", json={"set": "clips"}).status_code == 200
    assert {row["file"]: row["caption"] for row in look(client)["clips"]} == before
    assert scanned(folder) == before
    if "csv" in source or source == "jsonl":  # tables: the same cells, and all other rows byte by byte
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == bytes_before


def test_the_first_caption_where_nobody_wrote_one_is_a_text_beside_the_clip(tmp_path, client):
    clips_in(tmp_path / "clips", "a.mp4", "b.mp4")
    scanned(tmp_path / "clips")
    assert edit(client, "a.mp4", "mine").json()["kept_in"] == [MANIFEST, "a.txt"]
    assert (tmp_path / "clips/a.txt").read_text() == "mine\n"
    assert scanned(tmp_path / "clips") == {"a.mp4": "mine", "b.mp4": ""}
    assert client.post("/api/data/undo", json={"set": "clips"}).status_code == 200
    assert not (tmp_path / "clips/a.txt").exists()


def test_folders_of_pictures_and_manifests_elsewhere(tmp_path, client):
    for number in range(3):
        (tmp_path / "raw/frames").mkdir(parents=True, exist_ok=True)
        Image.fromarray(moving(3, seed=1)[number]).save(tmp_path / f"raw/frames/{number}.png")
    clips_in(tmp_path / "raw", "x.mp4")
    (tmp_path / "raw/captions.csv").write_text("file,caption\nx.mp4,old\n")
    (tmp_path / "clips").mkdir()
    assert scanned(tmp_path / "raw", tmp_path / "clips") == {"../raw/frames": "", "../raw/x.mp4": "old"}
    assert edit(client, "../raw/x.mp4", "new x").json()["kept_in"] == [MANIFEST, "captions.csv"]
    assert edit(client, "../raw/frames", "new frames").json()["kept_in"] == [MANIFEST, "frames.txt"]
    assert client.get("/api/data/thumbnail", params={"set": "clips", "file": "../raw/frames"}).status_code == 200
    after = {"../raw/frames": "new frames", "../raw/x.mp4": "new x"}
    assert scanned(tmp_path / "raw", tmp_path / "clips") == after


def test_a_piece_has_a_caption_of_its_own(tmp_path, client):
    (entry,) = make_folder(tmp_path / "clips", lengths=(20,))
    (tmp_path / "clips/0.txt").write_text("the whole")
    pieces = [entry.model_copy(update={"start_s": s, "end_s": s + 1.0, "num_frames": 10}) for s in (0.0, 1.0)]
    write_manifest(tmp_path / "clips" / MANIFEST, pieces)
    assert edit(client, "0.mp4", "its end", start_s=1, end_s=2).json() == {"caption": "its end", "kept_in": [MANIFEST]}
    assert [row["caption"] for row in look(client)["clips"]] == [entry.caption, "its end"]
    assert (tmp_path / "clips/0.txt").read_text() == "the whole"
    assert edit(client, "0.mp4", "the whole").status_code == 404  # the manifest has no whole one
    assert look(client)["undo"] == {
        "file": "0.mp4", "start_s": 1.0, "end_s": 2.0, "before": entry.caption, "after": "its end"
    }  # fmt: skip
    assert client.post("/api/data/undo", json={"set": "clips"}).json()["caption"] == entry.caption


def test_one_text_beside_two_clips_is_changed_for_neither(tmp_path, client):
    clips_in(tmp_path / "clips", "a.mp4", "a.mkv", "ab.mp4")
    scanned(tmp_path / "clips")
    for _ in range(2):
        answer = edit(client, "a.mp4", "mine")
        assert answer.status_code == 422 and "a.mkv, too" in answer.json()["fields"]["caption"]
        (tmp_path / "clips/a.txt").write_text("of both")
    assert edit(client, "ab.mp4", "mine").status_code == 200


@pytest.mark.parametrize(
    "caption, words",
    [
        ("", "empty"), ("  \n\t ", "empty"), ("one\ntwo", "2 lines"), ("one\u2028two", "2 lines"),
        ("x" * 501, "501 characters"), ("x" * 1_000_000, "1,000,000 characters"), ("a\0b", "U+0000"),
        (3, "string"), (None, "string"), (["a"], "string"), ({"a": 1}, "string"), (True, "string"),
    ],
)  # fmt: skip
def test_what_is_no_caption_is_refused_beside_the_field(tmp_path, client, caption, words):
    make_folder(tmp_path / "clips", lengths=(20,))
    before = {path: path.read_bytes() for path in (tmp_path / "clips").iterdir()}
    body = json.dumps({"set": "clips", "file": "0.mp4", "caption": caption})
    answer = client.post("/api/data/caption", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422 and words in json.dumps(answer.json()["fields"]["caption"])
    assert len(answer.text) < 500
    assert {path: path.read_bytes() for path in (tmp_path / "clips").iterdir()} == before
    assert not (tmp_path / ".mutoscope/captions.jsonl").exists()


def test_wishes_that_are_none(client, tmp_path):
    make_folder(tmp_path / "clips", lengths=(20,))
    half = '{"set": "clips", "file": "0.mp4", "caption": "half an emoji \\ud83d"}'
    answer = client.post("/api/data/caption", content=half, headers={"content-type": "application/json"})
    assert answer.status_code == 422 and "JSON" in answer.json()["message"]
    assert "caption" in client.post("/api/data/caption", json={"set": "clips", "file": "0.mp4"}).json()["fields"]
    assert client.post("/api/data/caption", json=[]).status_code == 422
    assert client.post("/api/data/undo", json={}).status_code == 422
    assert edit(client, "0.mp4", "x", other=1).status_code == 422
    assert edit(client, "9.mp4", "x").status_code == 404


def test_500_characters_are_kept(tmp_path, client):
    clips_in(tmp_path / "clips", "a.mp4")
    scanned(tmp_path / "clips")
    caption = "🎬 " * 249 + "🎬x"
    assert len(caption) == 500 and edit(client, "a.mp4", caption).status_code == 200
    assert scanned(tmp_path / "clips") == {"a.mp4": caption}


# ------------------------------------------------------------------------------------------------ undo


def test_edits_are_taken_back_one_after_the_other_by_set(tmp_path, client):
    make_folder(tmp_path / "clips", lengths=(20, 20))
    make_folder(tmp_path / "others", lengths=(20,))
    for file, caption in (("0.mp4", "one"), ("1.mp4", "two"), ("0.mp4", "three")):
        edit(client, file, caption)
    edit(client, "0.mp4", "elsewhere", set="others")
    with (tmp_path / ".mutoscope/captions.jsonl").open("a") as log:
        log.write('{"time": "cut short')  # by a kill
    states = []
    for _ in range(3):
        assert client.post("/api/data/undo", json={"set": "clips"}).status_code == 200
        states.append([row["caption"] for row in look(client)["clips"]])
    first, second = "a block over pattern 0", "a block over pattern 1"
    assert states == [["one", "two"], ["one", second], [first, second]]
    answer = client.post("/api/data/undo", json={"set": "clips"})
    assert answer.status_code == 422 and "nothing to take back" in answer.json()["message"]
    assert look(client)["undo"] is None and look(client, "others")["undo"]["after"] == "elsewhere"


@pytest.mark.parametrize("where", ["manifest", "text", "gone"])
def test_undo_is_refused_where_somebody_else_was_there(tmp_path, client, where):
    folder = tmp_path / "clips"
    make_folder(folder, lengths=(20,))
    edit(client, "0.mp4", "mine")
    if where == "manifest":
        rewrite(folder, **{"0.mp4": {"caption": "somebody's"}})
    elif where == "text":
        (folder / "0.txt").write_text("somebody's")
    else:
        write_manifest(folder / MANIFEST, [])
    before = [path.read_bytes() for path in sorted(folder.iterdir())]
    answer = client.post("/api/data/undo", json={"set": "clips"})
    assert answer.status_code in (404, 422)
    assert "somebody's" in answer.json()["message"] or where == "gone"
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == before


def test_an_edit_of_what_somebody_else_has_changed_is_refused(tmp_path, client):
    make_folder(tmp_path / "clips", lengths=(20,))
    edit(client, "0.mp4", "somebody's")
    answer = edit(client, "0.mp4", "mine", before="a block over pattern 0")
    assert answer.status_code == 422 and "somebody's" in answer.json()["fields"]["caption"]
    assert look(client)["clips"][0]["caption"] == "somebody's"


# ------------------------------------------------------------------------------- two at once, full disks


@pytest.mark.parametrize("table", [False, True])
def test_two_at_once_lose_nothing(tmp_path, table):
    count, folder = 24, tmp_path / "clips"
    (entry,) = make_folder(folder, lengths=(20,))
    names = [f"{number}.mp4" for number in range(count)]
    for name in names:
        (folder / name).touch()
    write_manifest(folder / MANIFEST, [entry.model_copy(update={"file": name}) for name in names])
    if table:
        (folder / "captions.csv").write_text("file,caption\n" + "".join(f"{name},old\n" for name in names))
    clients = [TestClient(build_app(Workspace(tmp_path))) for _ in range(2)]  # two servers, even
    answers = []

    def work(client, mine):
        answers.extend(edit(client, name, f"new {name}").status_code for name in mine)

    threads = [threading.Thread(target=work, args=(clients[k], names[k::2])) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * count
    assert [entry.caption for entry in read_manifest(folder)] == [f"new {name}" for name in names]
    if table:
        rows = "".join(f"{name},new {name}\n" for name in names)
        assert (folder / "captions.csv").read_text() == "file,caption\n" + rows
    log = [json.loads(line) for line in (tmp_path / ".mutoscope/captions.jsonl").read_text().splitlines()]
    assert sorted(line["file"] for line in log) == sorted(names)


@pytest.mark.parametrize("text", [None, "old\n"])
def test_all_files_are_changed_or_none(tmp_path, client, monkeypatch, text):
    folder = tmp_path / "clips"
    make_folder(folder, lengths=(20,))
    if text:
        (folder / "0.txt").write_text(text)
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def full(path: Path, entries):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(captions, "write_manifest", full)
    answer = edit(client, "0.mp4", "mine")
    assert answer.status_code == 422 and "No space left" in answer.json()["fields"]["caption"]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert look(client)["undo"] is None
