"""Who may talk to the studio, and what it never gives away."""

import pytest
from fastapi.testclient import TestClient

from mutoscope.studio.app import build_app
from mutoscope.studio.guard import Guard


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.evil.example", ""]
)
def test_other_names_for_this_machine_are_refused(client, host):
    answer = client.get("/api/about", headers={"host": host})
    assert answer.status_code == 403 and "Open the address that it printed" in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1:8765", "[::1]:8765"])
def test_its_own_names_are_not(client, host):
    assert client.get("/api/about", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:9999"},
     {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)  # fmt: skip
def test_pages_of_other_sites_change_nothing(client, workspace, headers):
    answer = client.post("/api/generate", json={"prompts": ["a red 7"]}, headers=headers)
    assert answer.status_code == 403
    assert client.get("/api/jobs").json() == []


def test_its_own_pages_do(client):
    own = {"origin": "http://localhost:8765", "sec-fetch-site": "same-origin"}
    assert client.post("/api/generate", json={"prompts": ["a red 7"]}, headers=own).status_code == 200


def test_elsewhere_a_token_is_needed(workspace):
    app = Guard(build_app(workspace), hosts=(), token="s3cret")
    client = TestClient(app, base_url="http://studio.lan:8765")
    assert client.get("/api/about").status_code == 401
    assert client.get("/api/about?token=wrong").status_code == 401
    assert client.get("/api/about", headers={"authorization": "Bearer s3cret"}).status_code == 200
    first = client.get("/?token=s3cret")
    assert first.status_code == 200 and "HttpOnly" in first.headers["set-cookie"]
    assert client.get("/api/about").status_code == 200  # the cookie has it now
    assert client.get("/api/about", headers={"origin": "http://evil.example"}).status_code == 403


def test_too_much_is_refused_before_it_is_read(client):
    answer = client.post("/api/upload", content=b"", headers={"content-length": str(2**40)})
    assert answer.status_code == 413
    assert client.post("/api/upload", content=b"", headers={"content-length": "many"}).status_code == 413


def test_nothing_is_loaded_from_elsewhere(client):
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy and "script-src" not in policy and "unsafe-eval" not in policy


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc", "demo/../../secret", "..", ".", "", "demo\0", "x" * 400, "link", "~root", "demo/model"],
)
def test_names_never_lead_out_of_the_workspace(client, workspace, make_run, name):
    make_run("demo")
    outside = workspace.folder.parent / "secret"
    outside.mkdir()
    (outside / "config.json").write_text("{}")
    (outside / "metrics.jsonl").write_text("")
    (workspace.runs / "link").symlink_to(outside)
    for path in ("run", "run/metrics", "run/log", "run/evaluations"):
        assert client.get(f"/api/{path}", params={"run": name}).status_code == 404
    for verb in ("pause", "stop", "resume", "evaluate"):
        assert client.post(f"/api/run/{verb}", json={"run": name}).status_code == 404
    assert client.delete("/api/run", params={"run": name, "confirm": name}).status_code == 404
    assert client.get("/api/video", params={"job": name}).status_code == 404
    assert client.delete("/api/job", params={"job": name}).status_code in (404, 422)
    assert (outside / "config.json").exists() and (workspace.runs / "demo" / "config.json").exists()


@pytest.mark.parametrize(
    "path", ["../../secret.png", "/etc/hostname", "model/weights.safetensors", "samples", "link.png", "", "run.lock"]
)
def test_only_a_runs_own_pictures_are_shown(client, workspace, make_run, path):
    run = make_run("demo")
    (workspace.folder.parent / "secret.png").write_bytes(b"secret")
    (run / "samples").mkdir()
    (run / "run.lock").write_text("")
    (run / "link.png").symlink_to(workspace.folder.parent / "secret.png")
    (run / "samples" / "step-000001.png").write_bytes(b"picture")
    assert client.get("/api/run/file", params={"run": "demo", "path": path}).status_code == 404
    good = client.get("/api/run/file", params={"run": "demo", "path": "samples/step-000001.png"})
    assert good.status_code == 200 and good.content == b"picture"


def test_a_report_cannot_act_in_the_studios_name(client, make_run):
    (make_run("demo") / "report.html").write_text("<script>fetch('/api/run')</script>")
    answer = client.get("/api/run/file", params={"run": "demo", "path": "report.html"})
    assert "sandbox" in answer.headers["content-security-policy"]
