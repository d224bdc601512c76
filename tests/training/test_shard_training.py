"""Training from tar shards: from a disk or a web server, stopped or not, it is the same run."""

import pytest
import torch
from folder_of_clips import make_folder
from safetensors.torch import load_file
from tiny import tiny_run
from web_server import served

from mutoscope.data.config import ClipsConfig
from mutoscope.data.manifest import read_manifest
from mutoscope.data.pack import pack
from mutoscope.training.callbacks import Callbacks
from mutoscope.training.run import train
from mutoscope.training.trainer import Interrupted


def run_on(folder):
    data = ClipsConfig(folder=str(folder), num_frames=5, height=16, width=16, fps=10.0)
    return tiny_run(data=data, vae=tiny_run().vae.model_copy(update={"temporal_stride": 4}))


def test_a_run_from_a_web_server_stopped_is_the_run_from_a_disk(tmp_path):
    clips, shards = tmp_path / "clips", tmp_path / "shards"
    make_folder(clips, (9, 12, 6))
    pack(read_manifest(clips), clips, shards, shard_bytes=1)
    whole = load_file(train(run_on(shards), tmp_path / "whole") / "model" / "weights.safetensors")
    with served(shards) as (address, _):
        steps = []
        callbacks = Callbacks(
            on_step=lambda stage, step, total, loss: steps.append(stage),
            should_stop=lambda: steps.count("diffusion") >= 3,
        )
        with pytest.raises(Interrupted):
            train(run_on(address), tmp_path / "parts", callbacks)
        parts = load_file(train(run_on(address), tmp_path / "parts") / "model" / "weights.safetensors")
    assert all(torch.equal(parts[name], tensor) for name, tensor in whole.items())
