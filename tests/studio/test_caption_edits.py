"""Captions written in the studio: a scan made again finds them, undo takes them back, none is lost."""

import json
import threading
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the studio's packages are not installed")
from fastapi.testclient import TestClient
from folder_of_clips import make_folder
from PIL import Image
from small_clips import moving
from studio_clips import clips_in, edit, look, rewrite, scanned

from mutoscope.data.manifest import MANIFEST, read_manifest, write_manifest
from mutoscope.studio import captions
from mutoscope.studio.app import build_app
from mutoscope.studio.workspace import Workspace


@pytest.fixture
def client(tmp_path):
    return TestClient(build_app(Workspace(tmp_path)))


FILES = ["a.mp4", "walking_dog/b.mp4", "walking_dog/c.mp4"]
CSV = 'label;File;Caption\r\n"1";a.mp4;"old\na"\r\n\r\n2;walking_dog\\b.mp4;"old; ""b"""\r\n3;"a.mp4";ignored\r\n'
JSONL = (
    '{"n": 1.50, "caption" : "old a", "file":"a.mp4"}\r\n\n'
    '{"x": {"caption": "old"}, "caption": "old", "file": "walking_dog/b.mp4"}'
)
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
