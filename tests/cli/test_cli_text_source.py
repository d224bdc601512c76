"""`--text.source` puts a pretrained text encoder into any recipe; without it a recipe's own kind stands."""

import pytest

from mutoscope.cli.train import options_for
from mutoscope.recipes import RECIPES
from mutoscope.text.config import PretrainedTextConfig, TextConfig


@pytest.mark.parametrize("words", [["--text.source", "minilm"], ["--text.source=minilm"]])
def test_any_recipe_can_have_minilm(words):
    config, _ = options_for("smoke", words)
    assert config.text == PretrainedTextConfig(model_dim=32)
    assert config.model_copy(update={"text": RECIPES["smoke"]().text}) == RECIPES["smoke"]()


def test_a_recipe_keeps_its_own_kind():
    assert isinstance(options_for("smoke", ["--text.depth", "2"])[0].text, TextConfig)
    config, _ = options_for("demo_minilm", ["--text.max-tokens", "32"])
    assert config.text == PretrainedTextConfig(max_tokens=32)
    for recipe, option in (("smoke", "--text.folder"), ("demo_minilm", "--text.vocabulary-size")):
        with pytest.raises(ValueError, match=f"unknown option '{option}'"):
            options_for(recipe, [option, "9"])


def test_mistakes_are_one_line(fails):
    assert "text.source='clip' needs a folder" in fails("train", "smoke", "--text.source", "clip")
    assert "unknown source 'mini'. Did you mean 'minilm'?" in fails("train", "smoke", "--text.source", "mini")


def test_clip_comes_with_its_folder():
    config, _ = options_for("smoke", ["--text.source", "clip", "--text.folder", "some/clip", "--text.max-tokens", "20"])
    assert config.text == PretrainedTextConfig(source="clip", folder="some/clip", max_tokens=20, model_dim=32)
