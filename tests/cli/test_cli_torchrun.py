"""`torchrun -m mutoscope train`: the run of one process, by several."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mutoscope.processes import Processes
from mutoscope.recipes.smoke import smoke
from mutoscope.training.run import check

SETTINGS = "--vae-training.steps 6 --vae-training.optimizer adamw --vae-training.precision float32".split()
SETTINGS += "--training.steps 30 --training.optimizer adamw --training.precision float32".split()
SETTINGS += "--training.log-every 1 --sample-every 30 --snapshots 2 --cached-clips 40".split()
LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def launch(out: Path, *more: str) -> subprocess.Popen[str]:
    command = [*LAUNCHER, "-m", "mutoscope", "train", "smoke", "--out", str(out), *SETTINGS, *more]
    source = os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH")]))
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": source}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    from mutoscope.cli.main import main

    out = tmp_path_factory.mktemp("alone") / "run"
    assert main(["train", "smoke", "--out", str(out), *SETTINGS]) == 0
    return out


def assert_same_run(run: Path, alone: Path) -> None:
    rows, expected = (
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()] for folder in (run, alone)
    )
    assert [(row["stage"], row["step"]) for row in rows] == [(row["stage"], row["step"]) for row in expected]
    curve, other = (torch.tensor([row["loss"] for row in part]) for part in (rows, expected))
    torch.testing.assert_close(curve, other, atol=2e-5, rtol=0)
    weights = load_file(run / "model" / "weights.safetensors")
    for name, tensor in load_file(alone / "model" / "weights.safetensors").items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-3, rtol=1e-3)
    for kind in ("samples", "snapshots", "model"):
        assert sorted(p.name for p in (run / kind).iterdir()) == sorted(p.name for p in (alone / kind).iterdir())
    assert set(json.loads((run / "summary.json").read_text())["stages"]) == {"vae", "diffusion"}


def test_two_processes_train_the_model_of_one(tmp_path, alone):
    child = launch(tmp_path / "run", "--fsdp")
    out, err = child.communicate(timeout=240)
    assert child.returncode == 0, err
    assert out.count("trained in") == 1 and "for each of 2 processes" in err  # one of them speaks
    assert_same_run(tmp_path / "run", alone)


def test_a_terminated_pair_saves_and_one_process_goes_on(tmp_path, alone, call):
    child = launch(tmp_path / "run")
    assert child.stderr is not None
    heard = ""
    while "diffusion 1/" not in heard:
        assert (line := child.stderr.readline()), heard
        heard += line
    child.send_signal(signal.SIGTERM)
    heard += child.communicate(timeout=120)[1]
    assert "Saved; go on with: torchrun --nproc-per-node 2 -m mutoscope train smoke" in heard
    said = call("train", "smoke", "--out", tmp_path / "run", *SETTINGS)
    assert said.code == 0, said
    assert_same_run(tmp_path / "run", alone)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="a batch of 2 cannot be shared by 3 processes; 3 can"):
        check(smoke(), Processes(0, 3))


def test_fsdp_without_others_says_how_to_start_them(fails, tmp_path):
    assert "torchrun --nproc-per-node 2 -m mutoscope" in fails("train", "smoke", "--out", tmp_path / "run", "--fsdp")
