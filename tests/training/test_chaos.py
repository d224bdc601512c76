"""Training that is killed over and over, in a few kills of `benchmarks/chaos.py`: nothing fails, no bit changes."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
KILLS = 12


@pytest.mark.slow
def test_killed_at_any_moment_a_run_ends_as_if_undisturbed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)  # so that the processes that it starts find it by its name, too
    result = importlib.import_module("chaos").chaos(tmp_path, KILLS, seed=1)
    assert result.failures == []
    assert len(result.kills) == result.resumes == KILLS
    assert result.equal == result.rounds >= 1
