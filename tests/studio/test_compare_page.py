"""Runs beside each other: one answer, in the order asked for, whatever is in their folders."""

import json

import pytest
from fastapi.testclient import TestClient

from mutoscope.studio.api.compare import MOST_RUNS
from mutoscope.studio.app import build_app


@pytest.fixture
def page(workspace) -> TestClient:
    return TestClient(build_app(workspace))


def ask(page, *runs):
    return page.get("/api/compare", params=[("run", run) for run in runs])


def test_runs_come_in_the_order_asked_for_with_what_they_took_and_measured(page, make_run):
    made = make_run("one")
    make_run("two", steps=9, finished=False)
    measured = {
        "adherence": {"all": {"identity": {"value": 0.5, "low": 0.4, "high": 0.6, "ceiling": 1.0, "floor": 0.1}}}
    }
    (made / "evaluation.json").write_text(json.dumps(measured))
    two, one = ask(page, "two", "one").json()
    assert (one["id"], one["state"], one["stages"]["diffusion"]["steps"]) == ("one", "finished", 6)
    assert one["measures"]["adherence.all.identity"]["value"] == 0.5 and one["has_model"]
    assert (two["id"], two["state"], two["stages"], two["measures"]) == ("two", "paused", {}, {}) and not two[
        "has_model"
    ]
    assert (one["config"]["training"]["steps"], two["config"]["training"]["steps"]) == (6, 9)


def test_a_run_that_is_gone_or_broken_says_so_beside_the_others(page, make_run):
    make_run("whole")
    (make_run("broken") / "config.json").write_text("{")
    gone, broken, whole = ask(page, "gone", "broken", "whole").json()
    assert "there is no 'gone'" in gone["problem"] and gone["config"] is None
    assert broken["problem"] and broken["config"] is None and whole["problem"] is None


@pytest.mark.parametrize("runs", [(), ("x",) * (MOST_RUNS + 1), ("n" * 501,)])
def test_too_few_too_many_or_too_long_is_refused(page, runs):
    assert ask(page, *runs).status_code == 422


def test_names_never_lead_out_of_the_workspace(page):
    (found,) = ask(page, "../../etc").json()
    assert "there is no" in found["problem"] and not found["stages"]


def test_the_page_is_served_with_what_it_imports(page):
    source = page.get("/static/pages/compare.js").text
    files = [line.split('"')[-2] for line in source.splitlines() if line.startswith("import ")]
    assert "../metrics.js" in files and "../measures.js" in files
    assert all(page.get(f"/static/{file.removeprefix('../')}").status_code == 200 for file in files)
