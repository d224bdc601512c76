"""Every recipe is a whole configuration that fits together and builds."""

import re

import pytest
import torch

from mutoscope.data.sprites import SpriteClips
from mutoscope.model import VideoModel
from mutoscope.recipes import RECIPES
from mutoscope.text.build import new_reader
from mutoscope.training.config import RunConfig
from mutoscope.training.run import build_model, check

EVERY = pytest.mark.parametrize("name", RECIPES)


@EVERY
def test_settings_fit_each_other(name):
    config = RECIPES[name]()
    check(config)
    assert RunConfig.model_validate(config.model_dump()) == config  # also where a recipe was made by model_copy
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


@EVERY
def test_the_model_builds_and_runs_on_the_meta_device(name):
    config = RECIPES[name]()
    reader = new_reader(config.text, lambda: ["a red 7 moving left"])
    values, mask = reader.encode(["a red 7 moving left", ""])
    shape = (2, config.vae.channels, config.data.num_frames, config.data.height, config.data.width)
    with torch.device("meta"):
        model = VideoModel(config.model, reader)
        latents = model.encode(torch.zeros(shape))
        assert latents.shape == (2, *model.latent_shape(config.data.num_frames))
        context = model.text(values.to("meta"), mask.to("meta"))
        output = model.denoiser(latents, torch.zeros(2), context if config.denoiser.text else None)
        assert output.shape == latents.shape
        assert model.decode(output).shape == shape


@EVERY
def test_the_docstring_names_its_command(name):
    assert f"mutoscope train {name} " in f"{RECIPES[name].__doc__} "
    assert RECIPES[name].__name__ == name


@EVERY
def test_sample_prompts_are_short_enough(name):
    config = RECIPES[name]()
    if config.sample_prompts:
        new_reader(config.text, lambda: config.sample_prompts).encode(config.sample_prompts)


def test_recipes_differ():
    configs = [recipe().model_dump_json() for name, recipe in RECIPES.items() if name != "packaged"]
    assert len(set(configs)) == len(configs)


@pytest.mark.parametrize("name", ["demo", "demo_minilm", "packaged"])
def test_docstring_states_the_real_sizes(name):
    config = RECIPES[name]()
    clips = SpriteClips(config.data, "train", config.seed)
    model = build_model(config, clips)
    words = {"VAE": model.vae, "denoiser": model.denoiser, "text encoder": model.text}
    for word, module in words.items():
        found = re.search(rf"{word} ([\d.]+) M", RECIPES[name].__doc__ or "")
        assert found, word
        assert float(found[1]) * 1e6 == pytest.approx(sum(p.numel() for p in module.parameters()), rel=0.02)
