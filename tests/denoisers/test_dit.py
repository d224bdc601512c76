"""The Diffusion Transformer: silent at first, then invariant where it must be."""

import pytest
import torch
from torch import nn

from mutoscope.denoisers.config import DiTConfig
from mutoscope.denoisers.dit import DiT, modulate, normalise
from mutoscope.types import Context

CONFIG = DiTConfig(model_dim=32, num_heads=2, depth=2, mlp_ratio=2.0)
CHANNELS, CONTEXT_DIM = 3, 24


def awake(config=CONFIG, seed=0):
    """A DiT with random weights everywhere: the zero initialisation would hide most faults."""
    model = DiT(config, CHANNELS, CONTEXT_DIM)
    g = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.15, generator=g)
    return model.eval()


def inputs(b=3, f=4, seed=1):
    g = torch.Generator().manual_seed(seed)
    mask = torch.arange(6)[None] < torch.tensor([2, 6, 4])[:b, None]
    context = Context(torch.randn(b, 6, CONTEXT_DIM, generator=g), mask)
    return torch.randn(b, CHANNELS, f, 4, 6, generator=g), torch.rand(b, generator=g), context


@pytest.mark.parametrize("text", [True, False])
def test_a_new_network_is_silent(text):
    xt, t, context = inputs()
    model = DiT(CONFIG.model_copy(update={"text": text}), CHANNELS, CONTEXT_DIM)
    output = model(xt, t, context if text else None)
    assert output.shape == xt.shape and (output == 0).all()


@torch.no_grad()
def test_equal_times_per_frame_are_a_shared_time():
    xt, t, context = inputs()
    model = awake()
    shared = model(xt, t, context)
    torch.testing.assert_close(model(xt, t[:, None].expand(3, 4), context), shared, rtol=0, atol=1e-5)


@torch.no_grad()
def test_times_per_frame_reach_their_frames():
    xt, t, context = inputs()
    model = awake(CONFIG.model_copy(update={"depth": 0}))  # without blocks frames do not talk to each other
    times = t[:, None].repeat(1, 4)
    before = model(xt, times, context)
    times[:, 2] = 1 - times[:, 2]
    changed = (model(xt, times, context) - before).abs().amax((0, 1, 3, 4)) > 1e-6
    assert changed.tolist() == [False, False, True, False]


@torch.no_grad()
def test_a_patch_of_frames_takes_their_mean_time():
    xt, t, context = inputs()
    model = awake(CONFIG.model_copy(update={"patch": (2, 2, 2)}))
    times = torch.tensor([[0.2, 0.4, 0.7, 0.9]]).expand(3, 4)
    means = torch.tensor([[0.3, 0.3, 0.8, 0.8]]).expand(3, 4)
    torch.testing.assert_close(model(xt, times, context), model(xt, means, context), rtol=0, atol=1e-4)


@torch.no_grad()
def test_padding_in_the_context_does_not_matter():
    xt, t, context = inputs()
    model = awake()
    garbage = Context(context.tokens.masked_fill(~context.mask[..., None], 7.0), context.mask)
    torch.testing.assert_close(model(xt, t, garbage), model(xt, t, context), rtol=0, atol=1e-5)
    longer = Context(torch.cat([context.tokens, torch.ones(3, 4, CONTEXT_DIM)], 1),
                     torch.cat([context.mask, torch.zeros(3, 4, dtype=torch.bool)], 1))  # fmt: skip
    torch.testing.assert_close(model(xt, t, longer), model(xt, t, context), rtol=0, atol=1e-5)


@torch.no_grad()
def test_text_time_and_latents_all_matter():
    xt, t, context = inputs()
    model = awake()
    before = model(xt, t, context)
    other = Context(context.tokens.flip(-1), context.mask)
    for changed in (model(xt, t, other), model(xt, 1 - t, context), model(xt.flip(-1), t, context).flip(-1)):
        assert (changed - before).abs().max() > 1e-2


@torch.no_grad()
def test_text_reaches_through_both_ways():
    """Cross-attention and the pooled text each carry the caption by themselves."""
    xt, t, context = inputs()
    other = Context(context.tokens.flip(-1), context.mask)
    for silenced in ("pooled_text", "cross_attention.out"):
        model = awake()
        for name, module in model.named_modules():
            if name.endswith(silenced):
                nn.init.zeros_(module.weight)
        assert (model(xt, t, context) - model(xt, t, other)).abs().max() > 1e-3, silenced


@pytest.mark.parametrize("config", [CONFIG, CONFIG.model_copy(update={"text": False})])
@torch.no_grad()
def test_a_row_alone_is_the_row_in_a_batch(config):
    xt, t, context = inputs()
    model = awake(config)
    whole = model(xt, t, context if config.text else None)
    for row in range(3):
        part = slice(row, row + 1)
        text = Context(context.tokens[part], context.mask[part]) if config.text else None
        torch.testing.assert_close(model(xt[part], t[part], text), whole[part], rtol=0, atol=1e-5)


@torch.no_grad()
def test_any_number_of_frames():
    model = awake()
    for f in (1, 2, 5, 9):
        xt, t, context = inputs(f=f)
        assert model(xt, t, context).shape == xt.shape


@torch.no_grad()
def test_order_of_frames_rows_and_columns_matters():
    xt, t, context = inputs()
    model = awake()
    before = model(xt, t, context)
    for axis in (2, 3, 4):
        swapped = xt.flip(axis)
        if axis > 2:  # whole patches change places, so that only positions can tell
            swapped = xt.unflatten(axis, (-1, 2)).flip(axis).flatten(axis, axis + 1)
        output = model(swapped, t, context)
        back = output.flip(2) if axis == 2 else output.unflatten(axis, (-1, 2)).flip(axis).flatten(axis, axis + 1)
        assert (back - before).abs().max() > 1e-2, axis


def test_every_parameter_gets_a_gradient_once_awake():
    xt, t, context = inputs()
    model = awake().train()
    (model(xt, t, context) * torch.randn(xt.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 1e-9, name


def test_every_parameter_learns_from_the_zero_start():
    """Zero gates and a zero head hide the rest at first; a few steps open them one after the other."""
    torch.manual_seed(0)
    xt, t, context = inputs()
    model = DiT(CONFIG, CHANNELS, CONTEXT_DIM)
    start = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(6):
        optimizer.zero_grad()
        (model(xt, t, context) - xt.roll(1, 2)).square().mean().backward()
        optimizer.step()
    still = [name for name, parameter in model.named_parameters() if torch.equal(parameter, start[name])]
    assert not still


def test_low_precision_output_is_close():
    xt, t, context = inputs()
    model = awake()
    with torch.no_grad():
        expected = model(xt, t, context)
        found = model.to(torch.bfloat16)(xt.bfloat16(), t, context)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).norm() < 0.05 * expected.norm()


def test_modulation_is_layer_norm_then_scale_and_shift():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 5, 8, generator=g) * 3 + 1
    shift, scale = torch.randn(2, 3, 1, 8, generator=g), torch.randn(2, 3, 1, 8, generator=g)
    mean, std = x.mean(-1, keepdim=True), x.std(-1, keepdim=True, unbiased=False)
    torch.testing.assert_close(normalise(x), (x - mean) / std, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(modulate(x, shift, scale), (x - mean) / std * (1 + scale) + shift, rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------------------------------------- messages


def test_latents_that_do_not_divide_name_a_patch():
    xt, t, context = inputs()
    with pytest.raises(ValueError, match=r"latents of 4 x 3 x 6 .* patches of \(1, 2, 2\). .* e.g. 1 1 2"):
        awake()(xt[:, :, :, :3], t, context)


@pytest.mark.parametrize("text", [True, False])
def test_context_must_fit_the_config(text):
    xt, t, context = inputs()
    model = awake(CONFIG.model_copy(update={"text": text}))
    given = "None" if text else "given"
    with pytest.raises(ValueError, match=f"denoiser.text={text} does not fit context={given}"):
        model(xt, t, None if text else context)


@pytest.mark.parametrize(("dim", "heads"), [(100, 3), (36, 3)])
def test_heads_must_divide_the_width(dim, heads):
    with pytest.raises(ValueError, match=f"denoiser.model_dim={dim} does not fit .* Try --denoiser.model-dim 96"):
        DiTConfig(model_dim=dim, num_heads=heads)
