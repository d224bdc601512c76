"""Several processes train as one: the same curve as one process, on any number of them, also after a stop."""

import json
from pathlib import Path

import pytest
import torch
from together import run_together
from trained_together import train

from mutoscope.processes import Processes
from mutoscope.training.checkpoint import load_newest
from mutoscope.training.checkpoint_files import is_sound, list_checkpoints, step_of
from mutoscope.training.distributed import PLAIN


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Losses and averaged weights of one process, by (optimizer, precision)."""
    known = {}

    def of(optimizer, precision):
        if (optimizer, precision) not in known:
            run = tmp_path_factory.mktemp("alone")
            train(PLAIN, str(run), optimizer, precision)
            known[optimizer, precision] = losses(run), torch.load(run / "averaged-0.pt")
        return known[optimizer, precision]

    return of


def assert_close(run, expected, atol, count):
    curve, weights = expected
    torch.testing.assert_close(torch.tensor(losses(run)), torch.tensor(curve), atol=atol, rtol=0)
    for rank in range(count):
        found = torch.load(run / f"averaged-{rank}.pt")
        assert found.keys() == weights.keys()
        for name, tensor in weights.items():
            torch.testing.assert_close(found[name], tensor, atol=atol, rtol=0)


@pytest.mark.parametrize(
    ("optimizer", "precision", "atol", "fsdp"),
    [
        ("adamw", "float32", 1e-5, False),
        ("adamw", "float32", 1e-5, True),
        ("muon", "bfloat16", 5e-2, False),
        ("muon", "float32", 1e-3, True),
    ],
)
def test_two_processes_give_the_curve_of_one(tmp_path, alone, optimizer, precision, atol, fsdp):
    expected = alone(optimizer, precision)
    assert len(expected[0]) == 50 and expected[0][-1] < 0.1 * expected[0][0]
    run_together(2, "trained_together", "train", tmp_path, optimizer, precision, fsdp=fsdp)
    assert_close(tmp_path, expected, atol, 2)


@pytest.mark.parametrize(("fsdp", "count", "then"), [(True, 1, False), (False, 4, True), (True, 4, True)])
def test_stopped_on_two_it_goes_on_on_one_and_on_four(tmp_path, alone, fsdp, count, then):
    expected = alone("adamw", "float32")
    run_together(2, "trained_together", "train", tmp_path, "adamw", "float32", 23, fsdp=fsdp)
    assert len(losses(tmp_path)) == 23
    if count == 1:
        train(PLAIN, str(tmp_path), "adamw", "float32")
    else:
        run_together(count, "trained_together", "train", tmp_path, "adamw", "float32", fsdp=then)
    assert_close(tmp_path, expected, 1e-5, count)


def test_a_checkpoint_in_parts_is_of_the_moment_it_was_begun(tmp_path):
    run_together(2, "trained_together", "save_and_train_on", tmp_path, fsdp=True)
    (newest,) = [path for path in list_checkpoints(tmp_path, "regression") if step_of(path) == 3]
    assert is_sound(newest)
    part = newest / "__1_0.distcp"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    assert not is_sound(newest)
    notices = []
    path, _ = load_newest(tmp_path, "regression", notices.append)
    assert step_of(path) == 0 and "is set aside" in notices[0]


def test_the_parts_of_a_batch_are_the_batch():
    for count in (1, 2, 4):
        parts = [Processes(rank, count).part(range(8, 16)) for rank in range(count)]
        assert [i for part in parts for i in part] == list(range(8, 16))
    with pytest.raises(ValueError, match="a batch of 8 cannot be shared by 3 processes; 6 or 9 can"):
        Processes(0, 3).part(range(8))
