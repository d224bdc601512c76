"""Options are the shadow of the configurations; every mistake is one line."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro
from pydantic import Field

from mutoscope.cli.parse import options_of, parse
from mutoscope.cli.recipe_options import options_of_recipe
from mutoscope.cli.train import TrainOptions, options_for
from mutoscope.config import Config
from mutoscope.recipes import RECIPES
from mutoscope.training.config import RunConfig


class Inner(Config):
    size: Annotated[int, Field(ge=1, lt=10)] = 3
    """Size."""
    colours: tuple[Literal["red", "blue"], ...] = ("red",)
    """Colours."""
    loud: bool = True
    """Loud."""


class Outer(Config):
    words: tyro.conf.Positional[tuple[str, ...]] = ()
    """Words."""
    inner_part: Inner = Inner()
    """Inner."""
    method: Literal["euler", "heun"] | None = None
    """Method."""
    place: Path = Path("here")
    """Place."""


class Needs(Config):
    run: tyro.conf.Positional[Path]
    """Run."""
    clip: tyro.conf.Positional[Path]
    """Clip."""
    scale: float = 1.0
    """Scale."""


def read(kind, *args):
    return parse(kind, args, "prog", "A test.")


def as_train(name: str, *args: str) -> RunConfig:
    return options_for(name, list(args))[0]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_without_options_is_itself(name):
    assert as_train(name) == RECIPES[name]()


def test_an_option_changes_its_field_and_nothing_else():
    recipe = RECIPES["smoke"]()
    changed = as_train("smoke", "--vae-training.steps", "7", "--data.colours", "red", "blue", "--vae.no-memory")
    assert changed == recipe.model_copy(
        update={
            "vae_training": recipe.vae_training.model_copy(update={"steps": 7}),
            "data": recipe.data.model_copy(update={"colours": ("red", "blue")}),
            "vae": recipe.vae.model_copy(update={"memory": False}),
        }
    )


def test_every_option_of_the_table_is_known_to_tyro():
    """The table that names are checked against must not refuse what tyro takes, nor the reverse."""
    for name, option in options_of(options_of_recipe(TrainOptions, RECIPES["smoke"]())).items():
        given = (
            [option.choices[0]] if option.choices else ["1"] * (3 if option.num_values is None else option.num_values)
        )
        try:
            as_train("smoke", name, *given)
        except ValueError as error:
            assert "nrecognized" not in str(error) and "unknown option" not in str(error), (name, error)


def test_words_and_options_come_in_any_order():
    want = Outer(words=("a b", "c"), method="heun", inner_part=Inner(size=2))
    assert read(Outer, "a b", "c", "--method", "heun", "--inner-part.size", "2") == want
    assert read(Outer, "--method", "heun", "a b", "--inner-part.size=2", "c") == want
    assert read(Outer, "--inner_part.size", "2", "--method=heun", "--", "a b", "c") == want


def test_words_that_look_like_options_after_the_dashes():
    assert read(Outer, "--", "--method").words == ("--method",)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--metod", "heun"], "unknown option '--metod'. Did you mean '--method'? All of them: prog --help"),
        (["--size", "3"], "unknown option '--size'. Did you mean '--inner-part.size'? All of them: prog --help"),
        (["--qqqq"], "unknown option '--qqqq'. All of them: prog --help"),
        (["--method", "eulr"], "unknown method 'eulr'. Did you mean 'euler'? --method takes: euler, heun."),
        (
            ["--inner-part.colours", "red", "blu"],
            "unknown colours 'blu'. Did you mean 'blue'? --inner-part.colours takes: red, blue.",
        ),
        (["--method"], "--method needs a value. See: prog --help"),
        (["--inner-part.size", "-3"], "inner_part.size: got -3, must be at least 1"),
        (["--inner-part.size", "10"], "inner_part.size: got 10, must be less than 10"),
        (["--inner-part.size", "x"], "--inner-part.size: got 'x', must be a whole number. See: prog --help"),
    ],
)
def test_mistakes_in_one_line(args, message, capsys):
    with pytest.raises(ValueError) as error:
        read(Outer, *args)
    assert str(error.value) == message
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "RUN is missing. Type: prog RUN CLIP"),
        (["a"], "CLIP is missing. Type: prog RUN CLIP"),
        (["a", "b", "c"], "'c' is one word too many. See: prog --help"),
        (["a", "b", "--scale", "x"], "--scale: got 'x', must be a number. See: prog --help"),
    ],
)
def test_positional_mistakes(args, message):
    with pytest.raises(ValueError) as error:
        read(Needs, *args)
    assert str(error.value) == message


def test_settings_that_do_not_fit_each_other_keep_their_own_words():
    with pytest.raises(ValueError) as error:
        as_train("smoke", "--denoiser.num-heads", "5")
    assert str(error.value).startswith("denoiser.model_dim=64 does not fit denoiser.num_heads=5")
