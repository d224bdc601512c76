"""A workspace with runs that look like real ones, and a client that talks to its studio."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the studio's packages are not installed")
from fastapi.testclient import TestClient
from tiny import awake_model, tiny_run

from mutoscope.studio.app import build_app
from mutoscope.studio.guard import LOCAL, Guard
from mutoscope.studio.workspace import Workspace


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    made = Workspace(tmp_path / "work")
    made.prepare()
    return made


@pytest.fixture
def client(workspace) -> TestClient:
    return TestClient(
        Guard(build_app(workspace), LOCAL), base_url="http://localhost:8765", raise_server_exceptions=False
    )


@pytest.fixture
def make_run(workspace) -> Callable[..., Path]:
    """A run folder as training leaves it, without training."""

    def make(name: str, steps: int = 6, rows: int = 6, finished: bool = True, weights: bool = False) -> Path:
        run, config = workspace.runs / name, tiny_run()
        run.mkdir(parents=True)
        stage = config.training.model_copy(update={"steps": steps})
        config = config.model_copy(update={"training": stage, "sample_prompts": ("a red 7",)})
        (run / "config.json").write_text(config.model_dump_json())
        lines = [
            {"stage": "diffusion", "step": k + 1, "loss": 2 / (k + 1), "lr": 0.1, "seconds": 0.5 * (k + 1)}
            for k in range(rows)
        ]
        (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (run / "log.txt").write_text(f"2026-01-01 10:00:00  mutoscope train smoke --out runs/{name}\n")
        if finished:
            stages = {"diffusion": {"steps": steps, "seconds": 3.0}}
            (run / "summary.json").write_text(json.dumps({"stages": stages, "peak_memory_mb": 1.0}))
            if weights:
                awake_model(config).save(run / "model")
            else:
                (run / "model").mkdir()
                (run / "model" / "weights.safetensors").write_bytes(b"")
        return run

    return make
