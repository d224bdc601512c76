"""Pictures and clips that a browser sends to begin videos with."""

import io

import numpy as np
import pytest
from PIL import Image
from small_clips import mp4

from mutoscope.studio import uploads


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
