"""Checkpoints of which every process writes its own part while training goes on (torch.distributed.checkpoint).

They load on any number of processes, also on one. As other checkpoints they are complete or absent: the folder gets
its name when all parts and their checksums are there.
"""

import os
import shutil
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save
from torch.distributed.tensor import DTensor

from ..files import crc32_of
from ..processes import Processes
from .checkpoint import Stored, flatten, remove_older, write_record
from .checkpoint_files import half_of, name_of


class ShardedWriter:
    """Writes one checkpoint at a time, in the background. Every process has one, and makes the same calls."""

    def __init__(self, processes: Processes):
        self._processes = processes
        self._group: Any = distributed.new_group(backend="gloo")  # of its own: training goes on using the other
        self._thread = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def save(self, folder: Path, stage: str, step: int, state: dict[str, Any]) -> Path:
        """Begin to write `state`, as it is now, and return where it will be. What was begun before is finished first.

        OSError where that could not be written.
        """
        self.flush()
        final = folder / name_of(stage, step)
        half = half_of(final)
        if self._processes.from_first(final.exists()):  # the same step of the same run: the same state
            return final
        if self._processes.first:
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(parents=True)
        self._processes.wait()
        tensors: dict[str, Tensor] = {}
        plain = flatten(state, "", tensors)
        written = async_save(tensors, storage_writer=FileSystemWriter(half), process_group=self._group)
        self._pending = self._thread.submit(self._finish, written, final, stage, step, plain)
        return final

    def flush(self) -> None:
        """Wait for the checkpoint that is being written. OSError where it could not be."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def _finish(self, written: Any, final: Path, stage: str, step: int, plain: Any) -> None:
        half, processes = half_of(final), self._processes
        try:
            written.result()
        except CheckpointException as error:  # all processes have it
            if processes.first:
                shutil.rmtree(half, ignore_errors=True)
            raise OSError(f"{final} cannot be written: {error}") from error
        own = {file.name: crc32_of(file) for file in half.glob(f"__{processes.rank}_*")}
        of_all: list[dict[str, int]] | None = [{}] * processes.count if processes.first else None
        distributed.gather_object(own, of_all, group=self._group)
        if of_all is not None:
            sums = {name: crc32 for part in of_all for name, crc32 in part.items()}
            sums[".metadata"] = crc32_of(half / ".metadata")
            write_record(half, stage, step, sums, plain)
            os.replace(half, final)
            remove_older(final.parent, stage)
        distributed.barrier(group=self._group)


def read_parts(path: Path, saved: Any, patterns: dict[str, Tensor]) -> Any:
    """`saved` with its `Stored` tensors read from the checkpoint at `path`; each process reads what it keeps of them.

    patterns: tensors, by name, that are divided as those shall be; a name that is not there is looked for one step up.
    """
    tensors: dict[str, Tensor] = {}
    names = _stored(saved)
    if not names:
        return saved
    known = FileSystemReader(path).read_metadata().state_dict_metadata
    for name in names:
        about = known[name]
        assert isinstance(about, TensorStorageMetadata), f"{name} in {path} is no tensor"
        pattern = patterns.get(name, patterns.get(name.rpartition("/")[0]))
        if isinstance(pattern, DTensor) and pattern.shape == about.size:
            tensors[name] = torch.empty_like(pattern, dtype=about.properties.dtype)
        else:
            tensors[name] = torch.empty(about.size, dtype=about.properties.dtype)
    with warnings.catch_warnings():  # that each reads for itself is meant
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        load(tensors, storage_reader=FileSystemReader(path), no_dist=True)
    return _filled(saved, tensors)


def _stored(value: Any) -> list[str]:
    if isinstance(value, Stored):
        return [value.name]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [name for item in inner for name in _stored(item)]


def _filled(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Stored):
        return tensors[value.name]
    if isinstance(value, dict):
        return {key: _filled(item, tensors) for key, item in value.items()}
    return [_filled(item, tensors) for item in value] if isinstance(value, list) else value
