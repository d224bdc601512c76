"""Every network in every space, with every legal path, prediction and sampler: trains a step and makes a video."""

from functools import cache
from typing import get_args

import pytest
import torch
from tiny import awake_model, tiny_run

from mutoscope.data.sprites import SpriteClips
from mutoscope.denoisers.config import DiTConfig, UNetConfig
from mutoscope.diffusion.config import DiffusionConfig, PathName, predictions_of
from mutoscope.model import VideoModel
from mutoscope.pipeline import GenerateRequest, generate
from mutoscope.samplers.config import SamplerName, SamplingConfig
from mutoscope.training.captions import prepare_captions
from mutoscope.training.config import RunConfig
from mutoscope.training.diffusion_task import DiffusionTask
from mutoscope.training.run import check
from mutoscope.vae.config import PixelConfig

SPACES = {"latents": tiny_run().vae, "pixels": PixelConfig()}
NETWORKS = {"dit": DiTConfig(model_dim=32, num_heads=2, depth=2, mlp_ratio=2.0)} | {
    mixing: UNetConfig(mixing=mixing, patch=(1, 2, 2), widths=(16, 16), num_heads=2)  # pyright: ignore[reportArgumentType]
    for mixing in ("conv3d", "attention", "conv2d_1d")
}
PROCESSES = [
    DiffusionConfig(path=path, prediction=prediction, zero_terminal_snr=zero)
    for path in get_args(PathName)
    for zero in ((False, True) if path == "ddpm" else (False,))
    for prediction in predictions_of(path, zero)
]


def said(process: DiffusionConfig) -> str:
    return f"{process.path}{'-zero' if process.zero_terminal_snr else ''}-{process.prediction}"


def run_of(space: str, network: str, process: DiffusionConfig) -> RunConfig:
    return tiny_run(vae=SPACES[space], denoiser=NETWORKS[network], diffusion=process)


@cache
def model_of(space: str, network: str, process: DiffusionConfig) -> VideoModel:
    config = run_of(space, network, process)
    check(config)
    return awake_model(config)


EVERY = [
    pytest.param(space, network, process, id=f"{space}-{network}-{said(process)}")
    for space in SPACES
    for network in NETWORKS
    for process in PROCESSES
]


@pytest.mark.parametrize(("space", "network", "process"), EVERY)
def test_it_trains(space, network, process):
    config, model = run_of(space, network, process), model_of(space, network, process)
    clips = SpriteClips(config.data, "train", 0)
    batch = clips.batch(range(4))
    with torch.no_grad():
        latents = model.encode(batch.frames)
    task = DiffusionTask(model, latents, prepare_captions(model, batch.captions), process, 0)
    loss = task.loss(task.modules, range(4)).mean()
    loss.backward()
    gradients = [p.grad for p in task.modules.parameters() if p.grad is not None]
    assert loss.isfinite() and all(g.isfinite().all() for g in gradients)
    assert any(g.abs().max() > 0 for g in gradients)
    task.modules.zero_grad(set_to_none=True)


@pytest.mark.parametrize("sampler", get_args(SamplerName))
@pytest.mark.parametrize(("space", "network", "process"), EVERY)
def test_it_samples(space, network, process, sampler):
    model = model_of(space, network, process)
    request = GenerateRequest(
        prompts=("a red 7 moving left",), seeds=(0,), sampling=SamplingConfig(sampler=sampler, steps=2)
    )
    frames = generate(model, request)
    assert frames.shape == (1, 3, 5, 16, 16)
    assert frames.isfinite().all() and frames.std() > 0


def test_there_is_something_of_everything():
    assert len(EVERY) == 2 * 4 * 9
