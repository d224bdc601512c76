"""What every network must do, whatever its options: silent at first, then invariant where it must be."""

import pytest
import torch
from awake_networks import CHANNELS, CONFIGS, CONTEXT_DIM, awake, frames_changed, inputs
from torch import nn

from mutoscope.denoisers.build import build_denoiser
from mutoscope.denoisers.dit import DiT
from mutoscope.denoisers.unet import UNet
from mutoscope.types import Context, Network

EVERY = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
WITH_TEXT = pytest.mark.parametrize(
    "config", [c for c in CONFIGS.values() if c.text], ids=[n for n, c in CONFIGS.items() if c.text]
)


def test_each_configuration_builds_its_network():
    for config in CONFIGS.values():
        model = build_denoiser(config, CHANNELS, CONTEXT_DIM)
        assert isinstance(model, UNet if hasattr(config, "mixing") else DiT) and isinstance(model, Network)


@EVERY
def test_a_new_network_is_silent(config):
    xt, t, context = inputs(text=config.text)
    output = build_denoiser(config, CHANNELS, CONTEXT_DIM)(xt, t, context)
    assert output.shape == xt.shape and (output == 0).all()


@EVERY
@torch.no_grad()
def test_equal_times_per_frame_are_a_shared_time(config):
    xt, t, context = inputs(text=config.text)
    model = awake(config)
    shared = model(xt, t, context)
    torch.testing.assert_close(model(xt, t[:, None].expand(3, 4), context), shared, rtol=0, atol=2e-5)


@EVERY
@torch.no_grad()
def test_time_of_each_frame_matters(config):
    xt, t, context = inputs(text=config.text)
    model = awake(config)
    times = t[:, None].repeat(1, 4)
    before = model(xt, times, context)
    times[:, 2] = 1 - times[:, 2]
    assert ((model(xt, times, context) - before)[:, :, 2]).abs().max() > 1e-2


@WITH_TEXT
@torch.no_grad()
def test_padding_in_the_context_does_not_matter(config):
    xt, t, context = inputs()
    model = awake(config)
    garbage = Context(context.tokens.masked_fill(~context.mask[..., None], 7.0), context.mask)
    torch.testing.assert_close(model(xt, t, garbage), model(xt, t, context), rtol=0, atol=2e-5)
    longer = Context(torch.cat([context.tokens, torch.ones(3, 4, CONTEXT_DIM)], 1),
                     torch.cat([context.mask, torch.zeros(3, 4, dtype=torch.bool)], 1))  # fmt: skip
    torch.testing.assert_close(model(xt, t, longer), model(xt, t, context), rtol=0, atol=2e-5)


@EVERY
@torch.no_grad()
def test_text_time_and_latents_all_matter(config):
    xt, t, context = inputs(text=config.text)
    model = awake(config)
    before = model(xt, t, context)
    changed = [model(xt, 1 - t, context), model(xt.flip(-1), t, context).flip(-1)]
    if config.text:
        changed.append(model(xt, t, Context(context.tokens.flip(-1), context.mask)))
    assert all((output - before).abs().max() > 1e-2 for output in changed)


@WITH_TEXT
@torch.no_grad()
def test_text_reaches_through_the_ways_it_is_given(config):
    """Pooled and, if asked for, by cross-attention: each alone carries the caption, none of them nothing."""
    xt, t, context = inputs()
    other = Context(context.tokens.flip(-1), context.mask)

    def reaches(*silenced):
        model = awake(config)
        for name, module in model.named_modules():
            if name.endswith(silenced):
                nn.init.zeros_(module.weight)
        return bool((model(xt, t, context) - model(xt, t, other)).abs().max() > 1e-3)

    assert reaches("cross_attention.out")
    assert reaches("pooled_text") == config.cross_attention
    assert not reaches("pooled_text", "cross_attention.out")


@EVERY
@torch.no_grad()
def test_a_row_alone_is_the_row_in_a_batch(config):
    xt, t, context = inputs(text=config.text)
    model = awake(config)
    whole = model(xt, t, context)
    for row in range(3):
        part = slice(row, row + 1)
        text = Context(context.tokens[part], context.mask[part]) if config.text else None
        torch.testing.assert_close(model(xt[part], t[part], text), whole[part], rtol=0, atol=2e-5)


@EVERY
@torch.no_grad()
def test_any_number_of_frames(config):
    model = awake(config)
    for f in (1, 2, 5, 9):
        xt, t, context = inputs(f=f, text=config.text)
        assert model(xt, t, context).shape == xt.shape
        assert model(xt, t[:, None].expand(3, f), context).isfinite().all()


@EVERY
@torch.no_grad()
def test_frames_reach_each_other(config):
    """A change in one of two frames changes the other; block-causal, only the later one."""
    model = awake(config)
    causal = getattr(config, "attention", "") == "block_causal"
    assert frames_changed(model, 0, f=2) == [True, True]
    assert frames_changed(model, 1, f=2) == [not causal, True]


@EVERY
@torch.no_grad()
def test_places_of_a_frame_reach_each_other(config):
    xt, t, context = inputs(f=1, text=config.text)
    model = awake(config)
    before = model(xt, t, context)
    xt[..., :2, :2] += 1
    assert ((model(xt, t, context) - before)[..., 2:, 2:]).abs().amax((0, 1, 2)).min() > 1e-4


@EVERY
@torch.no_grad()
def test_order_of_frames_rows_and_columns_matters(config):
    xt, t, context = inputs(text=config.text)
    model = awake(config)
    before = model(xt, t, context)
    for axis in (2, 3, 4):
        swapped = xt.flip(axis)
        if axis > 2:  # whole patches change places, so that only positions can tell
            swapped = xt.unflatten(axis, (-1, 2)).flip(axis).flatten(axis, axis + 1)
        output = model(swapped, t, context)
        back = output.flip(2) if axis == 2 else output.unflatten(axis, (-1, 2)).flip(axis).flatten(axis, axis + 1)
        assert (back - before).abs().max() > 1e-2, axis


@EVERY
def test_every_parameter_gets_a_gradient_once_awake(config):
    xt, t, context = inputs(text=config.text)
    model = awake(config).train()
    (model(xt, t, context) * torch.randn(xt.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 1e-9, name


@EVERY
def test_every_parameter_learns_from_the_zero_start(config):
    """Zero gates and a zero head hide the rest at first; a few steps open them one after the other."""
    torch.manual_seed(0)
    xt, t, context = inputs(text=config.text)
    model = build_denoiser(config, CHANNELS, CONTEXT_DIM)
    start = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(6):
        optimizer.zero_grad()
        (model(xt, t, context) - xt.roll(1, 2)).square().mean().backward()
        optimizer.step()
    assert not [name for name, parameter in model.named_parameters() if torch.equal(parameter, start[name])]


@EVERY
@torch.no_grad()
def test_low_precision_output_is_close(config):
    xt, t, context = inputs(text=config.text)
    model = awake(config)
    expected = model(xt, t, context)
    found = model.to(torch.bfloat16)(xt.bfloat16(), t, context)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).norm() < 0.05 * expected.norm()


@EVERY
def test_shapes_without_numbers(config):
    """On the meta device: a configuration can be built and counted without memory."""
    with torch.device("meta"):
        xt, t = torch.empty(3, CHANNELS, 5, 4, 8), torch.empty(3, 5)
        context = Context(torch.empty(3, 6, CONTEXT_DIM), torch.empty(3, 6, dtype=torch.bool)) if config.text else None
        output = build_denoiser(config, CHANNELS, CONTEXT_DIM)(xt, t, context)
    assert output.is_meta and output.shape == xt.shape


@EVERY
def test_the_weights_of_blocks_say_so(config):
    """The optimizer chooses by name: most weights lie in blocks, and none of time, text or the ends."""
    model = build_denoiser(config, CHANNELS, CONTEXT_DIM)
    inner = {name for name, parameter in model.named_parameters() if ".blocks." in f".{name}" and parameter.ndim > 1}
    assert sum(model.get_parameter(name).numel() for name in inner) > 0.5 * sum(p.numel() for p in model.parameters())
    assert not any(word in name for name in inner for word in ("patch", "time_mlp", "pooled", "place_in", "final"))


@pytest.mark.parametrize("name", ["dit", "conv3d"])
@pytest.mark.parametrize("text", [True, False])
def test_context_must_fit_the_config(name, text):
    xt, t, context = inputs()
    model = awake(CONFIGS[name].model_copy(update={"text": text}))
    given = "None" if text else "given"
    with pytest.raises(ValueError, match=f"denoiser.text={text} does not fit context={given}"):
        model(xt, t, None if text else context)


@pytest.mark.parametrize("name", ["dit", "attention"])
@torch.no_grad()
def test_number_of_heads_matters(name):
    xt, t, context = inputs()
    one = awake(CONFIGS[name])
    other = awake(CONFIGS[name].model_copy(update={"num_heads": 1}))  # of the same weights
    assert (one(xt, t, context) - other(xt, t, context)).abs().max() > 1e-3
