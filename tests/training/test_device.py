"""Training and sampling on another device: every tensor goes where the networks are.

torch's meta device stands for a GPU: it computes shapes only, and refuses to mix its tensors with those of the CPU.
"""

import copy

import pytest
import torch

from mutoscope.data.open import open_clips
from mutoscope.pipeline import GenerateRequest, generate
from mutoscope.recipes.demo import demo_long
from mutoscope.recipes.smoke import smoke
from mutoscope.training.adversarial_task import AdversarialTask
from mutoscope.training.config import RunConfig
from mutoscope.training.plan import diffusion_on_noise
from mutoscope.training.run import build_model
from mutoscope.training.vae_task import VAETask

META = torch.device("meta")


def configs() -> dict[str, RunConfig]:
    small, long = smoke(), demo_long()
    hard = small.vae.model_copy(update={"mask_share": 0.5, "scale_share": 0.5})
    return {
        "plain": small,
        "hard": small.model_copy(update={"vae": hard}),
        "given frames": small.model_copy(update={"diffusion": long.diffusion}),
    }


@pytest.mark.parametrize("kind", ["vae", "adversarial", "diffusion"])
@pytest.mark.parametrize("name", configs())
def test_a_loss_is_computed_where_the_networks_are(name, kind):
    config = configs()[name]
    clips = open_clips(config.data, "train", 0)
    model = build_model(config, clips)
    task = {
        "vae": lambda: VAETask(model.vae, clips, 0),
        "adversarial": lambda: AdversarialTask(model.vae, clips, 0, config.vae_training),
        "diffusion": lambda: diffusion_on_noise(config, model, clips),
    }[kind]()
    there = copy.deepcopy(task.modules).to(META)
    loss = task.loss(there, range(4))
    assert loss.shape == (4,) and loss.device == META
    loss.mean().backward()
    assert all(p.grad is None or p.grad.device == META for p in there.parameters())
    assert any(p.grad is not None for p in there.parameters())


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "unipc"])
@pytest.mark.parametrize("start", [False, True])
def test_sampling_happens_where_the_networks_are(sampler, start):
    name = "given frames" if start else "plain"
    config = configs()[name]
    if sampler == "ddpm":
        changes = {"path": "ddpm", "prediction": "epsilon"}
        config = config.model_copy(update={"diffusion": config.diffusion.model_copy(update=changes)})
    clips = open_clips(config.data, "train", 0)
    model = build_model(config, clips).to(META)
    shape = (1, config.data.channels, 1, config.data.height, config.data.width)
    sampling = config.sampling.model_copy(update={"sampler": sampler, "steps": 4})
    request = GenerateRequest(prompts=("a red 7 moving left", "a"), seeds=(0, 1), sampling=sampling)
    steps = []
    with pytest.raises(NotImplementedError, match="meta tensor"):  # to the CPU, when it is done
        generate(
            model, request, lambda done, of, x0: steps.append((done, of)), start=torch.zeros(shape) if start else None
        )
    assert steps and steps[-1][0] == steps[-1][1]
