"""Configurations: told apart, refused where nothing would fit, and their advice fits."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import mutoscope
from mutoscope.config import Config
from mutoscope.denoisers.config import DenoiserConfig, DiTConfig, UNetConfig


class Parent(Config):
    denoiser: DenoiserConfig = DiTConfig()


CONFIGS = [
    DiTConfig(),
    DiTConfig(positions="learned", attention="factorised", modulation="shared", cross_attention=False),
    UNetConfig(mixing="conv2d_1d"),
    UNetConfig(mixing="attention", patch=(1, 2, 2), widths=(48, 96, 96), depth=2, num_heads=3, text=False),
]


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_json_round_trip_keeps_the_class(config):
    parent = Parent(denoiser=config)
    assert parent.denoiser is config
    for back in (Parent.model_validate_json(parent.model_dump_json()), Parent.model_validate(parent.model_dump())):
        assert back == parent and type(back.denoiser) is type(config)
    json.dumps(Parent.model_json_schema())


def test_mixing_makes_a_unet_and_nothing_else_does():
    assert type(Parent.model_validate({}).denoiser) is DiTConfig
    assert type(Parent.model_validate({"denoiser": {"patch": (1, 1, 1), "depth": 2}}).denoiser) is DiTConfig
    assert type(Parent.model_validate({"denoiser": {"mixing": "conv3d"}}).denoiser) is UNetConfig


@pytest.mark.parametrize(
    ("values", "field"),
    [({"depth": 0}, "depth"), ({"widths": (8,)}, "widths"), ({"mixing": "conv3d", "depth": 0}, "depth"),
     ({"mixing": "conv3d", "model_dim": 8}, "model_dim"), ({"mixing": "conv4d"}, "mixing")],
)  # fmt: skip
def test_one_mistake_is_one_complaint(values, field):
    with pytest.raises(ValidationError) as error:
        Parent.model_validate({"denoiser": values})
    (complaint,) = error.value.errors()
    assert complaint["loc"][-1] == field


def test_a_model_saved_before_these_options_loads_as_it_was():
    saved = json.loads((Path(mutoscope.__file__).parent / "packaged" / "config.json").read_text())["denoiser"]
    old = {key: saved[key] for key in ("patch", "model_dim", "num_heads", "depth", "mlp_ratio", "text")}
    config = Parent.model_validate({"denoiser": old}).denoiser
    assert isinstance(config, DiTConfig)
    assert (config.positions, config.attention, config.modulation) == ("rotary", "full", "per_block")
    assert config.cross_attention


# ------------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(("dim", "heads"), [(100, 3), (36, 3)])
def test_heads_must_divide_the_width(dim, heads):
    with pytest.raises(ValueError, match=f"denoiser.model_dim={dim} does not fit .* Try --denoiser.model-dim 96"):
        DiTConfig(model_dim=dim, num_heads=heads)


def test_heads_must_divide_every_width():
    with pytest.raises(ValueError, match=r"widths=\(48, 90\) do not fit .*=4: .* Try --denoiser.widths 48 96\."):
        UNetConfig(mixing="conv3d", widths=(48, 90))
    UNetConfig(mixing="conv3d", widths=(48, 96))


def test_factorised_needs_a_block_that_looks_over_time():
    with pytest.raises(ValueError, match=r"denoiser.depth=1 .*=factorised: .* Try --denoiser.depth 2\."):
        DiTConfig(attention="factorised", depth=1)


@pytest.mark.parametrize("values", [{"mixing": "conv3d", "widths": ()}, {"mixing": "conv3d", "patch": (0, 1, 1)},
                                    {"patch": (1, 0, 1)}, {"mixing": "conv3d", "widths": (0,)}])  # fmt: skip
def test_sizes_must_be_positive(values):
    with pytest.raises(ValidationError):
        Parent.model_validate({"denoiser": values})


def advised(config, message):
    """The configuration with what the message tells to type."""
    update = {}
    if patch := re.search(r"(?:--denoiser.patch|e.g.) (\d+) (\d+) (\d+)", message):
        update["patch"] = tuple(map(int, patch.groups()))
    if widths := re.search(r"--denoiser.widths ([\d ]+)", message):
        update["widths"] = tuple(map(int, widths[1].split()))
    assert update
    return config.model_copy(update=update)


SIZE, PATCH = st.integers(1, 200), st.integers(1, 4)
UNETS = st.builds(
    lambda patch, levels: UNetConfig(mixing="conv3d", patch=patch, widths=(16,) * levels),
    st.tuples(PATCH, PATCH, PATCH),
    st.integers(1, 4),
)
DITS = st.builds(
    lambda patch, positions: DiTConfig(patch=patch, positions=positions),
    st.tuples(PATCH, PATCH, PATCH),
    st.sampled_from(["rotary", "learned"]),
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(UNETS, DITS), st.tuples(SIZE, SIZE, SIZE))
def test_refused_where_a_size_does_not_divide_and_the_advice_fits(config, shape):
    halving = 2 ** (len(config.widths) - 1) if isinstance(config, UNetConfig) else 1
    fits = all(n % (p * k) == 0 for n, p, k in zip(shape, config.patch, (1, halving, halving), strict=True))
    if isinstance(config, DiTConfig) and config.positions == "learned":
        fits = fits and all(n // p <= 64 for n, p in zip(shape, config.patch, strict=True))
    if fits:
        config.check_latents(shape)
        return
    with pytest.raises(ValueError) as error:
        config.check_latents(shape)
    assert "\n" not in str(error.value)
    advised(config, str(error.value)).check_latents(shape)
