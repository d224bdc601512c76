"""What the pages say about runs."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE

import pytest

from mutoscope.studio.metrics import SPARKS, columns, newest, rows_of
from mutoscope.studio.run_list import RunList, command_of, process_of
from mutoscope.training.lock import sole_use


def test_rows_tell_how_far_a_run_is(workspace, make_run):
    make_run("demo", rows=6)
    make_run("half/way", rows=3, finished=False)
    runs = RunList(workspace)
    rows = {row["id"]: row for row in runs.all()}
    assert set(rows) == {"demo", "half/way"}
    assert (rows["demo"]["state"], rows["demo"]["step"], rows["demo"]["steps"]) == ("finished", 6, 6)
    assert (rows["half/way"]["state"], rows["half/way"]["step"]) == ("paused", 3)
    assert rows["half/way"]["curve"] == [2, 1, 0.66667] and rows["demo"]["loss"] == 2 / 6


def test_a_run_that_is_trained_elsewhere_shows(workspace, make_run):
    run = make_run("demo", finished=False)
    with sole_use(run):
        assert RunList(workspace).all()[0]["state"] == "training"
        assert process_of(run) == os.getpid()
    assert RunList(workspace).all()[0]["state"] == "paused" and process_of(run) is None


def test_changes_show_and_deleted_runs_go(workspace, make_run):
    run, runs = make_run("demo", rows=2, finished=False), RunList(workspace)
    assert runs.all()[0]["step"] == 2
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"stage": "diffusion", "step": 5, "loss": 0.1}) + "\n")
    assert runs.all()[0]["step"] == 5
    (run / "config.json").unlink()
    assert runs.all() == []


@pytest.mark.parametrize(
    "name, content",
    [("config.json", "{"), ("config.json", "[]"), ("summary.json", "nothing"), ("config.json", "\xff\0")],
)
def test_damaged_runs_are_told_not_hidden(workspace, make_run, name, content):
    (make_run("demo") / name).write_text(content)
    (row,) = RunList(workspace).all()
    assert row["state"] == "unreadable" and row["problem"]


@pytest.mark.parametrize("told", ["{", "[]", '{"adherence": 3}', '{"adherence": {"all": {}}}', "null"])
def test_damaged_evaluations_are_none(workspace, make_run, client, told):
    (make_run("demo") / "evaluation.json").write_text(told)
    assert RunList(workspace).all()[0]["quality"] is None
    assert client.get("/api/run/evaluations", params={"run": "demo"}).status_code == 200


def test_evaluations_are_told_the_newest_first(workspace, make_run, client):
    run = make_run("demo")
    share = {"value": 0.5, "low": 0.4, "high": 0.6, "ceiling": 1.0, "floor": 0.1, "count": 9}
    told = {
        "protocol": "x",
        "adherence": {"all": {"all_correct": share, "identity": None}},
        "distance": {"void": False},
    }
    (run / "evaluation.json").write_text(json.dumps(told))
    asked = {"params": {"run": "demo"}}
    (only,) = client.get("/api/run/evaluations", **asked).json()
    assert only["measures"] == {"adherence.all.all_correct": share} and only["step"] is None
    lines = [json.dumps({"at": f"2026-01-0{k}", "step": k, "both": {**share, "value": k / 10}}) for k in (1, 2)]
    (run / "evaluations.jsonl").write_text("\n".join([*lines, '{"at"']))
    first, second = client.get("/api/run/evaluations", **asked).json()
    assert (first["step"], second["step"]) == (2, 1) and first["measures"]["both"]["value"] == 0.2
    quality = client.get("/api/runs").json()[0]["quality"]
    assert (quality["name"], quality["value"], quality["ceiling"]) == ("as asked", 0.5, 1.0)


def test_small_curves_are_thinned_and_end_with_the_newest(workspace, make_run):
    run = make_run("long", steps=10_000, rows=10_000)
    last, curve = newest(run / "metrics.jsonl")
    assert last["step"] == 10_000 and SPARKS <= len(curve) <= SPARKS + 1
    assert curve[0] == 2 and curve[-1] == pytest.approx(2e-4, abs=1e-5) and curve == sorted(curve, reverse=True)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "next", "step": 1, "loss": 5}\n{"stage": "next", "step": 2, "lo')
    assert newest(run / "metrics.jsonl")[1] == [5]


def test_columns_go_on_where_they_ended(make_run):
    file = make_run("demo", rows=3) / "metrics.jsonl"
    first = columns(file)
    assert first["stages"]["diffusion"]["step"] == [1, 2, 3] and not first["restart"]
    lines = ['{"stage": "diffusion", "step": 4, "loss": NaN, "mfu": 0.5}', '{"stage": "vae", "step": 9, "loss": 1}']
    with file.open("a") as opened:
        opened.write("\n".join([*lines, '{"stage"']))
    more = columns(file, first["next"])
    assert more["stages"]["diffusion"] == {"step": [4], "loss": [None], "mfu": [0.5]}
    assert more["stages"]["vae"]["step"] == [9]
    assert columns(file, more["next"])["stages"] == {}  # the half line waits
    whole = columns(file)["stages"]["diffusion"]
    assert {len(values) for values in whole.values()} == {4} and whole["mfu"] == [None, None, None, 0.5]
    file.write_text('{"stage": "diffusion", "step": 1, "loss": 7}\n')  # the run went back
    again = columns(file, more["next"])
    assert again["restart"] and again["stages"]["diffusion"]["loss"] == [7]


def test_rows_that_are_none_are_left_out(tmp_path):
    wrong = [b"", b"null", b"[1]", b'{"stage": "a"}', b'{"stage": "a", "step": "x", "loss": 1}', b"\xff", b"[" * 5000]
    right = b'{"stage": "a", "step": 1, "loss": 1}'
    assert rows_of([*wrong, right]) == [{"stage": "a", "step": 1, "loss": 1}]
    assert newest(tmp_path / "nothing") == (None, []) and columns(tmp_path / "nothing")["next"] == 0


def test_the_command_is_the_last_one_typed(make_run):
    run = make_run("demo")
    with (run / "log.txt").open("a") as file:
        file.write("2026-01-02 10:00:00  diffusion 3/6\n")
        file.write("2026-01-02 10:00:00  mutoscope train demo --out runs/demo --seed 3\n")
        file.write("2026-01-02 10:00:09  judge: loading\n")
    assert command_of(run) == "mutoscope train demo --out runs/demo --seed 3"
    (run / "log.txt").unlink()
    assert command_of(run) is None


LISTS = """
import sys, time
from pathlib import Path
from mutoscope.studio.run_list import RunList
from mutoscope.studio.workspace import Workspace
runs, begun = RunList(Workspace(Path(sys.argv[1]))), time.process_time()
assert len(runs.all()) == 1000
print(time.process_time() - begun)
"""  # in a process of its own: the checks of types in tests take longer than the work, and others work beside it


def listed_in(workspace) -> float:
    return float(subprocess.run([sys.executable, "-c", LISTS, workspace.folder], stdout=PIPE, check=True).stdout)


def test_a_thousand_runs_are_listed_in_half_a_second(workspace, make_run):
    first = make_run("run-0", rows=50)
    files = {file.name: file.read_bytes() for file in first.iterdir() if file.is_file()}
    for number in range(1, 1000):
        folder = workspace.runs / f"run-{number}"
        (folder / "model").mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (folder / "model" / "weights.safetensors").write_bytes(b"")
    first_time = listed_in(workspace)
    for name in ("run-3", "run-77"):
        (workspace.runs / name / "config.json").write_text("{")
    later = listed_in(workspace)  # another studio
    rows = {row["id"]: row for row in RunList(workspace).all()}
    assert len(rows) == 1000 and {name for name, row in rows.items() if row["problem"]} == {"run-3", "run-77"}
    print(f"{first_time:.2f} s, later {later:.2f} s")
    assert first_time < 0.5 and later < 0.5


def test_pages_may_ask_at_the_same_time(workspace, make_run):
    for number in range(12):
        make_run(f"run-{number}")
    runs, wrong = RunList(workspace), []

    def ask():
        for _ in range(10):
            (workspace.runs / "run-3" / "summary.json").touch()
            if len(runs.all()) != 12:
                wrong.append("a run is missing")

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(ask) for _ in range(8)]:
            done.result()
    assert wrong == []


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"version": "0", "rows": {}}', '{"version": 3}'])
def test_a_damaged_list_on_the_disk_is_made_again(workspace, make_run, kept):
    make_run("demo")
    (workspace.own / "runs.json").write_text(kept)
    assert [row["id"] for row in RunList(workspace).all()] == ["demo"]
