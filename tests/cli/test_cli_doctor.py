"""`mutoscope doctor`: facts that can be checked, and advice for what is missing."""

import json
from importlib.metadata import version

import pytest

import mutoscope
from mutoscope.cli import doctor, machine


@pytest.fixture(scope="module")
def facts():
    return doctor.gather()


def test_facts_are_plain_data_and_true(facts):
    assert json.loads(json.dumps(facts)) == facts
    assert facts["mutoscope"] == mutoscope.__version__
    assert facts["versions"]["torch"] == version("torch")
    assert facts["processor"]["cores"] >= 1 and set(facts["processor"]["flags"]) == set(machine.FLAGS)
    assert facts["encoders"]["mp4"] and facts["encoders"]["webm"]
    assert facts["precision"] in ("float32", "bfloat16")
    assert all(rate > 0 for job in facts["gflops"].values() for rate in job.values())


def test_for_people_every_fact_has_a_line(facts):
    text = doctor.readable(facts)
    for word in (
        "processor",
        "memory",
        "packages",
        "device",
        "matmul",
        "convolution",
        "writes",
        "packaged model",
    ):
        assert f"\n{word}" in text


def test_the_command_prints_json_alone(call, monkeypatch, facts):
    monkeypatch.setattr(doctor, "gather", lambda: facts)
    said = call("doctor", "--json")
    assert said.code == 0 and json.loads(said.out) == facts and said.err == ""


def test_what_is_missing_comes_with_what_to_type(facts):
    poor = facts | {
        "versions": facts["versions"] | {"av": None},
        "encoders": facts["encoders"] | {"webm": False},
        "packaged_model": False,
        "memory": {"total_gib": 2.0, "free_gib": 1.0},
    }
    found = {row["what"]: row["type"] for row in doctor.missing(poor)}
    assert found["av"] == "pip install av"
    assert set(found) == {"av", "webm encoder", "packaged model", "memory"}
    assert "MISSING" in doctor.readable(poor | {"missing": doctor.missing(poor)})


def test_optional_text_encoders_are_told_but_not_missed(facts):
    assert set(facts["text_encoders"]) == {"clip", "t5", "minilm"}
    some = facts | {"text_encoders": {"clip": True, "t5": True, "minilm": False}}
    assert doctor.missing(some) == doctor.missing(facts)
    assert "pretrained text clip, t5; pip install 'mutoscope[minilm]' for all of them" in doctor.readable(some)


def test_nothing_missing_says_so(facts):
    assert doctor.readable(facts | {"missing": []}).endswith("nothing is missing.")


@pytest.mark.parametrize(
    ("matmul", "convolution", "choice"), [(4.0, 2.0, "bfloat16"), (4.0, 0.5, "float32"), (1.0, 1.0, "float32")]
)
def test_bfloat16_must_win_both(matmul, convolution, choice):
    speeds = {"matmul": {"float32": 1.0, "bfloat16": matmul}, "convolution": {"float32": 1.0, "bfloat16": convolution}}
    assert machine.faster_precision(speeds) == choice


def test_without_torch_it_still_answers(monkeypatch):
    monkeypatch.setattr(machine, "versions", lambda: dict.fromkeys(machine.PACKAGES))
    facts = doctor.gather()
    assert "gflops" not in facts and {"what": "torch", "why": "needed", "type": "pip install torch"} in facts["missing"]
    assert "torch MISSING" in doctor.readable(facts)
