"""Interactive figures in the studio: asked for, computed by the worker's code, shown."""

import json
import threading

import numpy as np
import pytest
from PIL import Image
from tiny import awake_model, tiny_run

from mutoscope.learn import figures as course
from mutoscope.learn.chapters import anchor
from mutoscope.learn.figure import Drawn, Position
from mutoscope.learn.figures import figures
from mutoscope.pipeline import Pipeline
from mutoscope.studio import figures as drawing
from mutoscope.studio.api import figures as api
from mutoscope.studio.figures import draw_figure
from mutoscope.studio.jobs import Jobs

WALK = {"figure": "walk", "number": 3}
WORDS = {"figure": "words", "prompt": "a red 7", "number": 3}


def small(value: int) -> np.ndarray:
    """A clip of three frames: frame k is value + k everywhere."""
    return np.stack([np.full((4, 6, 3), value + k, np.uint8) for k in range(3)])


@pytest.fixture
def quick(monkeypatch):
    """A figure of two positions and two pictures that is computed at once."""

    def draw(pipeline, asked, tell):
        tell(1, 2)
        positions = tuple(
            Position(str(k), f"{asked.prompt}, {k}", (small(10 * k), small(100 + 10 * k))) for k in (0, 1)
        )
        tell(2, 2)
        return Drawn(("one", "two"), 8.0, positions, begin=1)

    monkeypatch.setattr(drawing, "draw_of", lambda name: draw)


def work(workspace, job: str) -> tuple[str, str]:
    jobs = Jobs(workspace.own / "jobs.db")
    assert jobs.claim(job)
    state, said = draw_figure(jobs.get(job), jobs, threading.Event(), workspace, Pipeline(awake_model(tiny_run())))
    jobs.end(job, state, said)
    return state, said


def test_the_figures_are_listed_with_where_they_are_explained(client):
    told = client.get("/api/figures").json()
    assert [one["name"] for one in told] == list(figures())
    for one in told:
        chapter, section = figures()[one["name"]].read
        page = client.get(one["link"].partition("#")[0]).text
        assert one["link"].endswith(anchor(section)) and f'id="{anchor(section)}"' in page and chapter in one["link"]


def test_a_figure_is_computed_once(client, workspace, quick):
    job = client.post("/api/figure", json=WORDS).json()
    assert job["kind"] == "figure" and client.get("/api/figure", params={"job": job["id"]}).status_code == 404
    assert client.post("/api/figure", json=WORDS).json()["id"] == job["id"]  # it waits
    assert work(workspace, job["id"]) == ("done", "")
    assert client.post("/api/figure", json=WORDS).json()["id"] == job["id"]  # it is done
    other = client.post("/api/figure", json={**WORDS, "number": 4}).json()["id"]
    assert other != job["id"] and client.post("/api/figure", json=WORDS | {"prompt": "a 7"}).json()["id"] != other


def test_a_figure_about_a_clip_does_not_care_for_the_prompt(client):
    first = client.post("/api/figure", json=WALK).json()["id"]
    assert client.post("/api/figure", json={**WALK, "prompt": "something else"}).json()["id"] == first


def test_a_new_version_computes_it_anew(client, monkeypatch):
    first = client.post("/api/figure", json=WALK).json()["id"]
    monkeypatch.setattr(api, "__version__", "99.0")
    assert client.post("/api/figure", json=WALK).json()["id"] != first


def test_each_picture_has_a_row_for_every_position(client, workspace, quick):
    job = client.post("/api/figure", json=WORDS).json()["id"]
    work(workspace, job)
    told = client.get("/api/figure", params={"job": job}).json()
    assert told["values"] == ["0", "1"] and told["said"][1] == "a red 7, 1" and told["begin"] == 1 and told["fps"] == 8
    assert told["panels"][1] == {"caption": "two", "frames": 3, "height": 4, "width": 6}
    answer = client.get("/api/video", params={"job": job, "number": 1, "form": "png"})
    assert answer.headers["content-type"] == "image/png"
    sheet = np.asarray(Image.open(workspace.job_folder(job) / "1.png").convert("RGB"))
    assert sheet.shape == (8, 18, 3)
    for position in (0, 1):
        for frame in range(3):
            cell = sheet[4 * position : 4 * position + 4, 6 * frame : 6 * frame + 6]
            assert (cell == 100 + 10 * position + frame).all()
    assert client.get("/api/job", params={"job": job}).json()["videos"] == []  # lists of jobs stay small


def test_words_the_model_never_saw_are_told(client, workspace, quick):
    job = client.post("/api/figure", json=WORDS | {"prompt": "a zebra"}).json()["id"]
    assert work(workspace, job) == ("done", "the model never saw: 'zebra'")


def test_one_that_is_cancelled_leaves_at_its_next_step(client, workspace, monkeypatch):
    def slow(pipeline, asked, tell):
        tell(1, 2)
        client.post("/api/job/cancel", json={"job": job})
        tell(2, 2)
        raise AssertionError("it went on")

    monkeypatch.setattr(drawing, "draw_of", lambda name: slow)
    job = client.post("/api/figure", json=WORDS).json()["id"]
    assert work(workspace, job) == ("cancelled", "")
    assert client.post("/api/figure", json=WORDS).json()["id"] != job  # asked again, it is computed


def test_the_oldest_are_forgotten(client, workspace, quick, monkeypatch):
    monkeypatch.setattr(api, "KEPT", 3)
    made = []
    for number in range(5):
        made.append(client.post("/api/figure", json={**WORDS, "number": number}).json()["id"])
        work(workspace, made[-1])
    assert [(workspace.job_folder(job)).is_dir() for job in made] == [False, False, True, True, True]
    left = [job["id"] for job in client.get("/api/jobs", params={"kind": "figure"}).json()]
    assert left == made[:1:-1]


@pytest.mark.parametrize(
    "asked, field",
    [
        ({"figure": "nothing"}, "figure"),
        ({}, "figure"),
        ({"figure": "words", "prompt": "   "}, "prompt"),
        ({"figure": "words", "prompt": ""}, "prompt"),
        ({"figure": "words", "prompt": "x" * 501}, "prompt"),
        ({"figure": "noise", "number": -1}, "number"),
        ({"figure": "noise", "number": 10**9}, "number"),
        ({"figure": "noise", "number": 1.5}, "number"),
        ({"figure": "noise", "extra": 1}, "extra"),
        ({"figure": "../noise"}, "figure"),
    ],
)
def test_what_is_no_figure_is_refused_beside_its_field(client, asked, field):
    answer = client.post("/api/figure", json=asked)
    assert answer.status_code == 422 and field in answer.json()["fields"]
    assert client.get("/api/jobs").json() == []


@pytest.mark.parametrize("job", ["nothing", "../x", "a" * 32, ""])
def test_a_job_that_is_none_has_no_figure(client, job):
    assert client.get("/api/figure", params={"job": job}).status_code == 404


def test_what_is_written_is_what_is_drawn(workspace, quick, client):
    job = client.post("/api/figure", json=WORDS).json()["id"]
    work(workspace, job)
    written = json.loads((workspace.job_folder(job) / "figure.json").read_text())
    assert written == client.get("/api/figure", params={"job": job}).json()
    assert not any(file.name == "result.json" for file in workspace.job_folder(job).iterdir())
    assert course.draw_of("noise").__module__.endswith("figures.noise")
