"""Pictures and clips that a browser sends to begin videos with."""

import io
import threading

import numpy as np
import pytest
from PIL import Image
from small_clips import mp4
from tiny import awake_model, tiny_run

from mutoscope.diffusion.config import DiffusionConfig
from mutoscope.pipeline import Pipeline
from mutoscope.studio import uploads
from mutoscope.studio.jobs import Jobs
from mutoscope.studio.videos import Videos
from mutoscope.video.read import read_video


def png(size=(40, 30)) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(data, "PNG")
    return data.getvalue()


def kept(workspace) -> list:
    return list(workspace.uploads.iterdir()) if workspace.uploads.is_dir() else []


@pytest.mark.parametrize("data, suffix", [(png(), ".png"), (mp4(), ".mp4")], ids=["picture", "clip"])
def test_what_decodes_is_kept_under_a_name_of_its_own(client, workspace, data, suffix):
    answer = client.post("/api/upload", content=data)
    assert answer.status_code == 200
    name = answer.json()["name"]
    assert name.endswith(suffix) and workspace.upload(name).read_bytes() == data


WRONG = {
    "nothing": b"",
    "a page": b"<script>alert(1)</script>",
    "no png": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "half a png": png()[:60],
    "no mp4": b"\0\0\0\x18ftypmp42" + b"\0" * 99,
    "no gif": b"GIF89a",
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_what_does_not_is_refused_beside_the_field_and_not_kept(client, workspace, data):
    answer = client.post("/api/upload", content=data)
    assert answer.status_code == 422 and answer.json()["fields"].keys() == {"start"}
    assert kept(workspace) == []


def test_what_is_too_large_is_refused_while_it_comes(client, workspace, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    answer = client.post("/api/upload", content=iter([b"\x89PNG" + b"\0" * 600] * 3))
    assert answer.status_code == 422 and "larger than" in answer.json()["fields"]["start"]
    assert kept(workspace) == []


@pytest.mark.parametrize("name", ["../jobs.db", "/etc/hostname", "nothing.png", "..", "."])
def test_only_uploads_begin_videos(client, workspace, name):
    answer = client.post("/api/generate", json={"prompts": ["a red 7"], "start": name})
    assert answer.status_code == 404 and client.get("/api/jobs").json() == []


@pytest.mark.parametrize("start_is, data", [("first_frame", png()), ("clip", mp4())], ids=["picture", "clip"])
def test_a_video_begins_with_what_was_sent(client, workspace, make_run, start_is, data):
    run = make_run("demo")
    config = tiny_run(diffusion=DiffusionConfig(prefix_share=0.3))
    (run / "config.json").write_text(config.model_dump_json())
    awake_model(config).save(run / "model")
    name = client.post("/api/upload", content=data).json()["name"]
    asked = {"model": "demo", "prompts": ["a red 7"], "seeds": [3], "start": name, "start_is": start_is}
    job = client.post("/api/generate", json=asked).json()
    jobs = Jobs(workspace.own / "jobs.db")
    jobs.claim(job["id"])
    assert Videos(workspace).make(jobs.get(job["id"]), jobs, threading.Event())[0] == "done"
    made = np.load(workspace.job_folder(job["id"]) / "0.npy")

    model = Pipeline.load(run)
    sent = read_video(workspace.upload(name), max_frames=1 if start_is == "first_frame" else None).frames_u8
    np.testing.assert_array_equal(made, model.generate("a red 7", seed=3, start=sent))
    assert not np.array_equal(made, model.generate("a red 7", seed=3))
