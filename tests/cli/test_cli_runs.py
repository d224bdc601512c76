"""`mutoscope runs`: what is here, what it takes, and freeing space without losing anything."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mutoscope.training.lock import sole_use


@pytest.fixture
def here(smoke_run, tmp_path, monkeypatch) -> Path:
    """A folder with a finished run, a stopped one inside a comparison, and things that are no runs."""
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / "runs"
    shutil.copytree(smoke_run, runs / "demo")
    stopped = Path(shutil.copytree(smoke_run, runs / "four" / "disc"))
    shutil.rmtree(stopped / "model")
    for name in ("diffusion-0000006", "vae-0000000"):
        shutil.rmtree(stopped / "checkpoints" / name)
    summary = json.loads((stopped / "summary.json").read_text())
    del summary["stages"]["diffusion"]
    (stopped / "summary.json").write_text(json.dumps(summary))
    (runs / "four" / "cache").mkdir()
    (runs / "four" / "cache" / "judge.safetensors").write_bytes(b"judge")
    (runs / "model").mkdir()
    shutil.copy(smoke_run / "model" / "config.json", runs / "model")  # a saved model is no run
    return runs


def rows(call, *args) -> dict[str, dict]:
    told = json.loads(call("runs", *args, "--json").out)
    assert told["bytes"] == sum(row["bytes"] for row in told["runs"])
    return {row["run"]: row for row in told["runs"]}


def test_runs_are_listed_with_how_far_they_are(here, call):
    found = rows(call)
    assert set(found) == {"runs/demo", "runs/four/disc"}
    done, stopped = found["runs/demo"], found["runs/four/disc"]
    assert done["state"] == "finished" and done["seconds"] > 0
    assert done["bytes"] == sum(file.stat().st_size for file in (here / "demo").rglob("*") if file.is_file())
    assert stopped["state"] == "stopped"
    assert (stopped["stage"], stopped["step"], stopped["steps"]) == ("diffusion", 0, 6)
    assert stopped["seconds"] == pytest.approx(done["seconds"], abs=0.2)  # of the second stage, as its log has it


def test_a_line_for_each_and_the_totals(here, call):
    said = call("runs", "runs")
    lines = said.out.splitlines()
    assert said.code == 0 and len(lines) == 3
    assert lines[0].startswith("runs/demo ") and lines[0].endswith("  finished")
    assert lines[1].startswith("runs/four/disc ") and lines[1].endswith("  stopped at diffusion step 0 of 6")
    assert lines[2].startswith("2 runs, ") and "; mutoscope runs clean runs would free " in lines[2]
    assert call("runs", "runs/four/disc").out.splitlines()[0].startswith("runs/four/disc ")


def test_a_run_in_use_is_named_with_its_process(here, call):
    with sole_use(here / "demo"):
        assert "  being trained by process " in call("runs").out.splitlines()[0]
        assert rows(call)["runs/demo"]["state"] == "in use"
        said = call("runs", "clean")
        assert said.out.startswith("runs/demo: passed over, in use by process ") and said.code == 0
    assert (here / "demo" / "checkpoints").is_dir()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", '{"training": '),
        ("config.json", "\xff\x00"),
        ("config.json", '{"architectures": ["Bert"]}'),
        ("summary.json", "[1]"),
        ("summary.json", '{"stages": {"vae": 3}}'),
        ("summary.json", '{"stages": [7]}'),
        ("metrics.jsonl", '{"stage": "vae"\n[]\n{"stage": "vae", "seconds": null}'),
        ("run.lock", "nonsense"),
        ("log.txt", ""),
    ],
)
def test_damaged_folders_are_told_and_left_alone(here, call, file, content):
    (here / "demo" / file).write_text(content, encoding="latin-1")
    before = {path for path in (here / "demo").rglob("*")}
    row = rows(call)["runs/demo"]
    harmless = file in ("metrics.jsonl", "run.lock", "log.txt")
    assert (row["state"], bool(row["problem"])) == (("finished", False) if harmless else ("unreadable", True))
    line = call("runs").out.splitlines()[0]
    assert ("cannot be read: " in line) != harmless and "Traceback" not in line
    if not harmless:
        assert call("runs", "clean").out.startswith("runs/demo: left alone, ")
        assert {path for path in (here / "demo").rglob("*")} - {here / "demo" / "run.lock"} == before - {
            here / "demo" / "run.lock"
        }


@pytest.mark.parametrize("name", ["checkpoints", "summary.json", "metrics.jsonl", "run.lock", "model"])
def test_folders_and_files_in_each_others_place(here, call, name):
    place = here / "demo" / name
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text("a file")
    else:
        place.unlink(missing_ok=True)
        place.mkdir()
    assert call("runs").code == 0 and call("runs", "clean", "--dry-run").code == 0


def test_links_are_not_followed(here, call, tmp_path):
    (here / "again").symlink_to(here / "demo")
    (here / "loop").symlink_to(here)
    (here / "nowhere").symlink_to(tmp_path / "nothing")
    assert set(rows(call)) == {"runs/demo", "runs/four/disc"}
    assert set(rows(call, "runs/again")) == {"runs/again"}  # named by the user


def test_it_says_what_would_go_and_then_it_goes(here, call, smoke_run, short):
    freed = json.loads(call("runs", "--json").out)["can_be_freed"]
    dry = call("runs", "clean", "--dry-run")
    assert (here / "demo" / "checkpoints").is_dir()
    lines = dry.out.splitlines()
    assert lines[0].startswith("runs/demo: checkpoints ") and ", latents " in lines[0]
    assert lines[1] == "runs/four/disc: nothing to free"
    done = call("runs", "clean", "runs", "runs/demo")
    assert done.out == dry.out.replace("would free", "freed")
    assert json.loads(call("runs", "--json").out)["can_be_freed"] == 0 < freed
    assert call("runs").out.splitlines()[-1].startswith("2 runs, ") and "would free" not in call("runs").out
    assert (here / "four" / "cache" / "judge.safetensors").read_bytes() == b"judge"
    assert call("generate", "a red 7 moving left", "--model", "runs/demo", "--out", "videos").code == 0
    said = call("train", "smoke", "--out", "runs/demo", *short)
    assert said.code == 0 and "next:" in said.out and "clips: " not in said.err
    assert not (here / "demo" / "checkpoints").exists()
    assert call("train", "smoke", "--out", "runs/four/disc", *short).code == 0
    weights = [run / "model" / "weights.safetensors" for run in (here / "four" / "disc", smoke_run)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.slow
def test_a_cleaned_run_is_still_evaluated_and_keeps_its_judge(here, call):
    args = ("evaluate", "runs/demo", "--prompts", 8)
    assert call(*args).code == 0
    judges = {path.name: path.read_bytes() for path in (here / "demo" / "cache").glob("*.safetensors")}
    assert call("runs", "clean", "runs/demo").code == 0
    assert not (here / "demo" / "checkpoints").exists()
    assert {path.name: path.read_bytes() for path in (here / "demo" / "cache").glob("*")} == judges
    said = call(*args)
    assert said.code == 0 and "judge: loading or training" in said.err


def test_where_there_is_nothing(call, fails, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = "runs does not exist. Train one: mutoscope train demo --out runs/demo, or give another folder."
    assert fails("runs") == fails("runs", "clean") == line
    (tmp_path / "my runs").mkdir()
    assert call("runs", "my runs").out == "no runs in my runs. Train one: mutoscope train demo --out 'my runs/demo'\n"
    assert fails("runs", "clean", "my runs") == "no runs in my runs. See what is where: mutoscope runs DIR"
    (tmp_path / "file").write_text("")
    assert "file is a file, not a folder." in fails("runs", "file")


def test_listing_imports_nothing_heavy(here):
    script = (
        "import sys\nfrom mutoscope.cli.main import main\nmain(['runs'])\n"
        "print([name for name in ('torch', 'av', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n") and "runs/demo" in done.stdout
