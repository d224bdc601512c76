"""Checkpoints: complete or absent."""

import json

import pytest
import torch

from mutoscope.training import checkpoint, checkpoint_files
from mutoscope.training.checkpoint import load_checkpoint, optimizer_state, restore_optimizer, save_checkpoint
from mutoscope.training.checkpoint_files import RECORD, TENSORS, is_sound, list_checkpoints, step_of

STATE = {
    "weights": {"a.b": torch.arange(6.0).reshape(2, 3), "c": torch.tensor(3, dtype=torch.int64)},
    "optimizers": [[{"step": torch.tensor(4.0), "half": torch.ones(2, dtype=torch.bfloat16)}], [], [{}]],
    "dtype": "float32",
    "step": 7,
    "seconds": 1.5,
    "nothing": None,
}


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b and type(a) is type(b)


def test_round_trip(tmp_path):
    path = save_checkpoint(tmp_path / "checkpoints", "vae", 7, STATE)
    assert path.name == "vae-0000007"
    assert same(load_checkpoint(path), STATE)


def test_tensors_that_share_memory_are_saved(tmp_path):
    whole = torch.arange(6.0)
    state = {"whole": whole, "part": whole[2:4], "turned": whole.reshape(2, 3).T}
    assert same(load_checkpoint(save_checkpoint(tmp_path, "vae", 1, state)), state)


def test_only_the_last_two_of_a_stage_stay(tmp_path):
    for step in (5, 10, 9_999_999):
        save_checkpoint(tmp_path, "vae", step, STATE)
        save_checkpoint(tmp_path, "diffusion", step, STATE)
    assert [p.name for p in list_checkpoints(tmp_path, "vae")] == ["vae-0000010", "vae-9999999"]
    assert [p.name for p in list_checkpoints(tmp_path, "diffusion")] == ["diffusion-0000010", "diffusion-9999999"]
    assert len(list(tmp_path.iterdir())) == 4


def test_saving_the_same_step_again_keeps_the_complete_one(tmp_path):
    """A step is a function of its run, so there is nothing to replace, and no moment without a checkpoint."""
    save_checkpoint(tmp_path, "vae", 5, STATE)
    path = save_checkpoint(tmp_path, "vae", 5, STATE | {"seconds": 9.0})
    assert load_checkpoint(path)["seconds"] == STATE["seconds"]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("broken", ["_save_tensors", "replace", "dumps"])
def test_a_failure_while_writing_leaves_the_old_ones_and_no_debris(tmp_path, monkeypatch, broken):
    old = [save_checkpoint(tmp_path, "vae", step, STATE) for step in (1, 2)]

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    where = {"_save_tensors": checkpoint, "replace": checkpoint.os, "dumps": checkpoint.json}[broken]
    monkeypatch.setattr(where, broken, full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, "vae", 3, STATE)
    monkeypatch.undo()
    assert list_checkpoints(tmp_path, "vae") == old
    assert sorted(tmp_path.iterdir()) == sorted(old)
    assert same(load_checkpoint(old[1]), STATE)


def test_debris_of_a_kill_is_neither_listed_nor_in_the_way(tmp_path):
    half = tmp_path / ".vae-0000003.part"
    half.mkdir()
    (half / "state.safetensors").write_bytes(b"half")
    assert list_checkpoints(tmp_path, "vae") == []
    save_checkpoint(tmp_path, "vae", 3, STATE)
    assert not half.exists()
    (tmp_path / "vae-0000004").mkdir()
    assert [p.name for p in list_checkpoints(tmp_path, "vae")] == ["vae-0000003"]


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 64
    path.write_bytes(content)


DAMAGE = {
    "tensors cut": lambda p: truncate(p / "state.safetensors"),
    "tensors gone": lambda p: (p / "state.safetensors").unlink(),
    "state cut": lambda p: truncate(p / "state.json"),
    "state empty": lambda p: (p / "state.json").write_text(""),
    "state foreign": lambda p: (p / "state.json").write_text('{"state": 3}'),
    "tensors changed": lambda p: flip(p / "state.safetensors"),
    "state a list": lambda p: (p / "state.json").write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_named(tmp_path, damage):
    path = save_checkpoint(tmp_path, "vae", 7, STATE)
    damage(path)
    with pytest.raises(ValueError, match=r"vae-0000007 is damaged \("):
        load_checkpoint(path)


@pytest.mark.parametrize("unused", [0, 1, 2])
def test_optimizer_state_returns_to_the_same_parameters(unused):
    """Also where a parameter never got a gradient and therefore has no state."""
    parameters = [torch.nn.Parameter(torch.full((2,), float(k))) for k in range(3)]
    optimizer = torch.optim.AdamW(parameters, lr=0.1)
    for k, parameter in enumerate(parameters):
        parameter.grad = None if k == unused else torch.full((2,), 1.0 + k)
    optimizer.step()
    other = torch.optim.AdamW(parameters, lr=0.1)
    restore_optimizer(other, optimizer_state(optimizer))
    for k, parameter in enumerate(parameters):
        assert same(dict(other.state[parameter]), dict(optimizer.state[parameter])), k


def test_a_kill_while_an_old_one_is_removed_leaves_no_half_that_looks_whole(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def strike(folder, ignore_errors=False):
        (folder / TENSORS).unlink(missing_ok=True)  # it got as far as the first file
        if folder.exists():
            raise Killed

    for step in (1, 2):
        save_checkpoint(tmp_path, "vae", step, STATE)
    monkeypatch.setattr(checkpoint_files.shutil, "rmtree", strike)
    with pytest.raises(Killed):
        save_checkpoint(tmp_path, "vae", 3, STATE)
    monkeypatch.undo()
    assert [path.name for path in list_checkpoints(tmp_path, "vae")] == ["vae-0000002", "vae-0000003"]
    assert all(is_sound(path) for path in list_checkpoints(tmp_path, "vae"))


@pytest.mark.parametrize("damage", ["cut", "bit", "record", "no checksum"])
def test_sound_is_as_it_was_written(tmp_path, damage):
    path = save_checkpoint(tmp_path, "vae", 7, STATE)
    assert is_sound(path) and step_of(path) == 7
    tensors, record = path / TENSORS, path / RECORD
    if damage == "cut":
        tensors.write_bytes(tensors.read_bytes()[:-1])
    elif damage == "bit":
        content = bytearray(tensors.read_bytes())
        content[-1] ^= 1
        tensors.write_bytes(content)
    elif damage == "record":
        record.write_text("[]")
    else:
        record.write_text(
            json.dumps({name: v for name, v in json.loads(record.read_text()).items() if name != "crc32"})
        )
        assert same(load_checkpoint(path), STATE)
    assert not is_sound(path)
