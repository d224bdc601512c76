"""The course in the studio: chapters, exercises, and answers that are checked."""

import threading

import pytest
from planted_answers import RIGHT_GUIDE, SWAPPED_GUIDE

from mutoscope.learn.chapters import chapter_names
from mutoscope.learn.check import LARGEST
from mutoscope.learn.exercises import exercises
from mutoscope.studio.api import learn


def test_the_course_is_listed(client):
    told = client.get("/api/learn").json()
    assert [one["name"] for one in told["chapters"]] == chapter_names() and told["problem"] is None
    assert [one["name"] for one in told["exercises"]] == list(exercises())
    assert not any(one["built"] for one in told["chapters"])


def test_a_chapter_is_a_page_in_which_only_our_script_runs(client, workspace):
    name = chapter_names()[0]
    answer = client.get(f"/learn/{name}.html")
    assert answer.status_code == 200 and "<math" in answer.text
    assert answer.text.count("<script") == 2 and '<script type="module" src="speak.js">' in answer.text
    assert learn.ADDED in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert client.get("/learn/speak.js").headers["content-type"].startswith("text/javascript")
    assert client.get(f"/learn/{name}.ipynb").json()["nbformat"] == 4
    assert client.get("/learn/index.html", follow_redirects=False).headers["location"] == "/#/learn"
    pages = workspace.folder / learn.PAGES
    pages.mkdir()
    (pages / f"{name}.html").write_text("as it was run")
    assert client.get(f"/learn/{name}.html").text == "as it was run"
    assert client.get("/api/learn").json()["chapters"][0]["built"]


@pytest.mark.parametrize(
    "name", ["nothing", "..%2Fruns", "1_pixels%2F..%2F..%2Fsecret", "x" * 5000, "%3Cscript%3E", "%00"]
)
@pytest.mark.parametrize("suffix", [".html", ".ipynb"])
def test_other_names_are_no_chapters(client, workspace, name, suffix):
    (workspace.folder / "secret.html").write_text("hidden words")
    answer = client.get(f"/learn/{name}{suffix}")
    assert answer.status_code in (404, 422) and "hidden words" not in answer.text


def test_pages_outside_the_workspace_are_not_shown(client, workspace, tmp_path):
    name = chapter_names()[0]
    (tmp_path / f"{name}.html").write_text("outside")
    (workspace.folder / learn.PAGES).symlink_to(tmp_path)
    assert "outside" not in client.get(f"/learn/{name}.html").text


def test_a_chapter_is_run_by_the_command_that_anyone_types(client):
    name = chapter_names()[0]
    job = client.post("/api/learn/run", json={"chapter": name}).json()
    assert job["kind"] == "chapter" and job["payload"]["args"] == ["learn", "build", name, "--out", learn.PAGES]
    assert client.post("/api/learn/run", json={"chapter": name}).json()["id"] == job["id"]  # once is enough
    client.post("/api/job/cancel", json={"job": job["id"]})
    assert client.post("/api/learn/run", json={"chapter": name}).json()["id"] != job["id"]
    assert client.post("/api/learn/run", json={"chapter": "nothing"}).status_code == 404
    assert client.post("/api/learn/run", json={"chapter": "../1_pixels"}).status_code == 404


def test_answers_are_checked(client):
    right = client.post("/api/learn/check", json={"exercise": "guide", "source": RIGHT_GUIDE}).json()
    assert right["right"] and right["hint"] is None
    wrong = client.post("/api/learn/check", json={"exercise": "guide", "source": SWAPPED_GUIDE}).json()
    assert not wrong["right"] and "points away from the caption" in wrong["hint"]


@pytest.mark.parametrize(
    "asked, status",
    [
        ({"exercise": "gide", "source": ""}, 404),
        ({"exercise": "guide"}, 422),
        ({"exercise": "guide", "source": 3}, 422),
        ({"exercise": "guide", "source": "x" * (LARGEST + 1)}, 422),
        ({"exercise": "guide", "source": "", "more": 1}, 422),
        ({"exercise": "x" * 101, "source": ""}, 422),
    ],
)
def test_what_is_no_answer_is_refused(client, asked, status):
    answer = client.post("/api/learn/check", json=asked)
    assert answer.status_code == status and answer.json()["message"]


def test_one_answer_at_a_time(client, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def slow(name, source):
        begun.set()
        assert go.wait(30)
        raise ValueError("enough")

    monkeypatch.setattr(learn, "check", slow)
    asked = {"exercise": "guide", "source": "x"}
    first: list = []
    thread = threading.Thread(target=lambda: first.append(client.post("/api/learn/check", json=asked)))
    thread.start()
    assert begun.wait(30)
    second = client.post("/api/learn/check", json=asked)
    go.set()
    thread.join(30)
    assert second.status_code == 422 and "another answer is being checked" in second.json()["fields"]["source"]
    assert first[0].json()["fields"] == {"source": "enough"}
