"""Checkpoints: complete or absent, safetensors and JSON, the last two kept."""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from ..files import crc32_of
from .checkpoint_files import (
    DAMAGED,
    RECORD,
    TENSORS,
    half_of,
    list_checkpoints,
    name_of,
    read_record,
    remove_checkpoint,
)
from .parts import part_like, whole

KEPT = 2


@dataclass(frozen=True)
class Stored:
    """A tensor that lies in several files, by its name; see `sharded_checkpoint`."""

    name: str


class Damaged(ValueError):
    """A checkpoint that is not as it was written."""


def save_checkpoint(folder: Path, stage: str, step: int, state: dict[str, Any]) -> Path:
    """Write `folder/stage-step/` atomically and remove all but the newest `KEPT` of the stage.

    state: nested dicts and lists of tensors and JSON values. OSError (disk full, no permission) leaves what was there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / name_of(stage, step)
    half = half_of(final)
    if final.exists():  # the same step of the same run: the same state, already complete
        return final
    tensors: dict[str, Tensor] = {}
    plain = flatten(state, "", tensors)
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        _save_tensors(tensors, half / TENSORS)
        write_record(half, stage, step, {TENSORS: crc32_of(half / TENSORS)}, plain)
        os.replace(half, final)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    remove_older(folder, stage)
    return final


def write_record(folder: Path, stage: str, step: int, crc32: dict[str, int], plain: Any) -> None:
    """state.json, which makes a folder a checkpoint. crc32: of every other file in it."""
    (folder / RECORD).write_text(json.dumps({"stage": stage, "step": step, "crc32": crc32, "state": plain}))


def remove_older(folder: Path, stage: str) -> None:
    """Keep the newest `KEPT`."""
    for old in list_checkpoints(folder, stage)[:-KEPT]:
        with suppress(OSError):  # it is in nobody's way
            remove_checkpoint(old)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The state that was saved, with `Stored` for tensors in parts; `Damaged` where it is not what was saved."""
    try:
        record = read_record(path)
        if not (path / TENSORS).is_file():
            return restored(record["state"], Stored)
        with safe_open(path / TENSORS, framework="pt") as file:
            return restored(record["state"], file.get_tensor)
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise Damaged(f"checkpoint {path.name} is damaged ({str(error)[:80]})") from error


def load_newest(folder: Path, stage: str, on_notice: Callable[[str], None]) -> tuple[Path, dict[str, Any]] | None:
    """The newest sound checkpoint of a stage and its state; None where there is none at all.

    Damaged ones that are newer are set aside and reported. `Damaged` where there are only such.
    """
    found = list_checkpoints(folder, stage)
    for path in reversed(found):
        try:
            state = load_checkpoint(path)
        except Damaged as error:
            if path == found[0]:
                raise Damaged(
                    f"{error}, like every other of stage {stage}. To begin it anew, remove {folder}."
                ) from error
            os.replace(path, _free_name(path))
            on_notice(f"{error}; it is set aside, and the one before it is used.")
        else:
            return path, state
    return None


def _free_name(path: Path) -> Path:
    """Where a damaged checkpoint goes: beside the others, under a name that none of them has."""
    names = (path.with_name(f"{DAMAGED}{path.name}.{number}") for number in itertools.count())
    return next(name for name in names if not name.exists())


def module_state(modules: nn.Module, gather: bool = True) -> dict[str, Tensor]:
    """Named tensors of a module; gather: whole ones, where processes have parts of them."""
    return {name: whole(tensor) if gather else tensor for name, tensor in modules.state_dict().items()}


def restore_module(modules: nn.Module, state: dict[str, Tensor]) -> None:
    """Inverse of `module_state`; each process takes its part."""
    patterns = modules.state_dict()
    modules.load_state_dict({name: part_like(tensor, patterns[name]) for name, tensor in state.items()})


def optimizer_state(optimizer: Optimizer, gather: bool = True) -> list[dict[str, Any]]:
    """State of each parameter in order, empty where it never had a gradient; gather: as for `module_state`.

    Learning rates are not in it: they are a function of the step.
    """
    saved = optimizer.state_dict()
    order = [i for group in saved["param_groups"] for i in group["params"]]
    states = [saved["state"].get(i, {}) for i in order]
    return [{name: _whole(value) for name, value in state.items()} for state in states] if gather else states


def restore_optimizer(optimizer: Optimizer, state: list[dict[str, Any]]) -> None:
    """Inverse of `optimizer_state`."""
    groups = optimizer.state_dict()["param_groups"]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    known = {
        i: {name: part_like(value, parameter) for name, value in values.items()}
        for i, (values, parameter) in enumerate(zip(state, parameters, strict=True))
        if values
    }
    optimizer.load_state_dict({"state": known, "param_groups": groups})


def _whole(value: Any) -> Any:
    return whole(value) if isinstance(value, Tensor) else value


def _save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    try:
        save_file({k: v.detach().to("cpu", copy=True).contiguous() for k, v in tensors.items()}, path)
    except SafetensorError as error:  # how the library reports a full disk
        raise OSError(f"{path} cannot be written: {error}") from error


def flatten(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """What of a state is no tensor, ready for JSON; its tensors go to `tensors`, by path. Inverse: `restored`."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": {k: flatten(v, f"{name}/{k}", tensors) for k, v in value.items()}}
    if isinstance(value, list):
        return {"list": [flatten(v, f"{name}/{i}", tensors) for i, v in enumerate(value)]}
    return {"value": value}


def restored(value: Any, tensor_of: Callable[[str], Any]) -> Any:
    """Inverse of `flatten`."""
    ((kind, inner),) = value.items()
    if kind == "tensor":
        return tensor_of(inner)
    if kind == "dict":
        return {k: restored(v, tensor_of) for k, v in inner.items()}
    if kind == "list":
        return [restored(v, tensor_of) for v in inner]
    return inner
