"""Forms from configurations, and from forms the command that a person would type."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.cli.train import options_for
from mutoscope.recipes import RECIPES
from mutoscope.studio.commands import options_of, typed
from mutoscope.studio.forms import Refused, checked, recipe_form
from mutoscope.studio.forms import settings as settings_of
from mutoscope.studio.requests import TrainRequest, VideoRequest


def ask(recipe="demo", name="mine", **values) -> TrainRequest:
    return TrainRequest(recipe=recipe, name=name, values=values)


@pytest.mark.parametrize("name", RECIPES)
def test_untouched_settings_are_the_recipe(name):
    recipe, wanted = settings_of(ask(name))
    assert wanted == recipe == RECIPES[name]() and options_of(recipe, wanted) == []
    form = recipe_form(name)
    assert form["schema"]["properties"].keys() == form["values"].keys()


@pytest.mark.parametrize("name", RECIPES)
def test_every_field_has_a_help_text(name):
    schema = recipe_form(name)["schema"]
    for kind, of in {"": schema, **schema["$defs"]}.items():
        for field, property in of.get("properties", {}).items():
            section = "$ref" in property or ("allOf" in property)
            assert section or property.get("description") or "const" in property, f"{kind}.{field}"


STAGE = {"steps": st.integers(1, 10**6), "lr": st.floats(1e-9, 1), "optimizer": st.sampled_from(["muon", "adamw"])}
WORDS = st.text("abc \"'$;&<>é-", min_size=1).filter(lambda text: text.strip() and text[0] != "-")
INTERVAL = st.tuples(st.floats(0, 0.4), st.floats(0.5, 1))
CHANGES = {
    "seed": st.integers(0, 2**31),
    "training": st.fixed_dictionaries({}, optional=STAGE),
    "sampling": st.fixed_dictionaries({}, optional={"guidance_interval": INTERVAL}),
    "vae": st.fixed_dictionaries({}, optional={"memory": st.booleans(), "width": st.sampled_from([16, 32])}),
    "data": st.fixed_dictionaries({}, optional={"colours": st.lists(st.sampled_from(["red", "blue"]), unique=True)}),
    "sample_prompts": st.lists(WORDS, max_size=3),
}


@given(values=st.fixed_dictionaries({}, optional=CHANGES))
@settings(max_examples=40, deadline=None)
def test_the_command_gives_the_settings_of_the_form(values):
    recipe, wanted = settings_of(ask(**values))
    options = options_of(recipe, wanted)
    config, _ = options_for("demo", options)
    assert config == wanted


def test_what_is_shown_can_be_typed_into_a_shell():
    assert typed(["train", "demo", "--sample-prompts", "it's; rm -rf"]) == (
        "mutoscope train demo --sample-prompts 'it'\"'\"'s; rm -rf'"
    )


@pytest.mark.parametrize(
    "values, field, words",
    [
        ({"training": {"steps": 0}}, "training.steps", "at least 1"),
        ({"training": {"steps": "many"}}, "training.steps", "valid integer"),
        ({"training": {"steps": 1e400}}, "training.steps", "finite"),
        ({"training": {"lr": "<script>"}}, "training.lr", "valid number"),
        ({"training": {"nonsense": 1}}, "training.nonsense", "unknown key"),
        ({"training": 3}, "training", ""),
        ({"seed": None}, "seed", "valid integer"),
        ({"data": {"colours": ["mauve"]}}, "data.colours.0", "red"),
        ({"vae": {"latent_channels": -4}}, "vae.latent_channels", "at least"),
        ({"sampling": {"guidance_interval": [0.9, 0.1]}}, "sampling", "low < high"),
    ],
)
def test_answers_stand_beside_the_field(values, field, words):
    with pytest.raises(Refused) as caught:
        settings_of(ask(**values))
    assert set(caught.value.fields) == {field} and words in caught.value.fields[field]


def test_unknown_recipes_are_named():
    with pytest.raises(Refused, match="no recipe 'dmeo'"):
        settings_of(ask("dmeo"))


def test_a_grid_is_counted_before_it_is_made():
    wish = {"prompts": ["a"] * 8, "seeds": list(range(8))}
    assert checked(VideoRequest, wish).num_videos == 64
    with pytest.raises(Refused, match="128 videos"):
        checked(VideoRequest, {**wish, "steps": [4, 8]})
    with pytest.raises(Refused, match="a prompt is empty"):
        checked(VideoRequest, {"prompts": ["  "]})


HOSTILE = [
    10**400,
    -(10**400),
    1e308,
    -1,
    0,
    "",
    "<script>alert(1)</script>",
    "x" * 10_000,
    None,
    True,
    [],
    {},
    [[[]]],
    {"a": 1},
]


def leaves(values: dict, prefix: tuple[str, ...] = ()):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*prefix, name))
        else:
            yield (*prefix, name)


@pytest.mark.parametrize("name", ["demo", "clips", "demo_unet", "demo_minilm", "disc_conv3d"])
def test_every_field_takes_hostile_values_or_answers_beside_itself(name):
    for path in leaves(recipe_form(name)["values"]):
        for value in HOSTILE:
            values = value
            for part in reversed(path):
                values = {part: values}
            try:
                recipe, wanted = settings_of(ask(name, **values))
            except Refused as refused:
                # Beside the field, one of its parts, or the section whose values contradict each other.
                for field in refused.fields:
                    named = field.split(".")
                    assert all(a == b for a, b in zip(named, path, strict=False)), (
                        f"{path} = {value!r}: {refused.fields}"
                    )
                continue
            options_of(recipe, wanted)
            found = wanted
            for part in path:
                found = getattr(found, part)
            kept = list(found) if isinstance(found, tuple) else found
            assert kept == value or str(kept) == str(value) or found == Path(str(value)), (
                f"{path} = {value!r} became {found!r}"
            )
