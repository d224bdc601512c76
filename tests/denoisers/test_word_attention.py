"""Which words each place reads from: against a closed form, and without a trace in the network."""

import pytest
import torch
from awake_networks import CONFIGS, awake, inputs
from tiny import awake_model

from mutoscope.denoisers.blocks import CrossAttention
from mutoscope.denoisers.word_attention import WordAttention, attention_weights
from mutoscope.nn.attention import attention
from mutoscope.pipeline import GenerateRequest, generate
from mutoscope.types import Context

READS = [name for name, config in CONFIGS.items() if config.text and config.cross_attention]


def hooks_of(network):
    return [hook for part in network.modules() for hook in (*part._forward_hooks, *part._forward_pre_hooks)]


def test_shares_are_a_softmax_over_real_words():
    query, key = torch.tensor([[[[2.0, 0.0]]]]), torch.tensor([[[[1.0, 0.0], [0.0, 5.0], [9.0, 9.0]]]])
    found = attention_weights(query, key, torch.tensor([[True, True, False]]))
    ratio = torch.tensor(2.0 / 2**0.5).exp()  # e^(q k1 / sqrt 2) : e^0
    torch.testing.assert_close(found[0, 0, 0], torch.stack([ratio / (1 + ratio), 1 / (1 + ratio), torch.tensor(0.0)]))


def test_shares_times_values_are_the_attention():
    g = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 3, n, 4, generator=g) for n in (7, 5, 5))
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    expected = attention(query, key, value, mask)
    torch.testing.assert_close(attention_weights(query, key, mask) @ value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", READS)
@torch.no_grad()
def test_maps_sum_to_one_at_every_place_and_leave_padding_out(name):
    network = awake(CONFIGS[name])
    xt, t, context = inputs()
    before = network(xt, t, context)
    with WordAttention(network, context.tokens) as seen:
        assert torch.equal(network(xt, t, context), before)  # looking changes nothing
    assert hooks_of(network) == [] and torch.equal(network(xt, t, context), before)
    maps = seen.maps(seen.groups)
    assert maps.shape == (3, 4, 4, 6, 6)
    torch.testing.assert_close(maps.sum(-1), torch.ones(3, 4, 4, 6))
    assert (maps[0, ..., 2:] == 0).all() and (maps[0, ..., :2] > 0).all()
    assert maps[1].flatten(0, 2).std(0).max() > 1e-4  # places differ


@torch.no_grad()
def test_a_map_is_the_mean_over_heads_and_layers_by_hand():
    network = awake(CONFIGS["dit"])
    xt, t, context = inputs()
    given = []
    layers = [layer for layer in network.modules() if isinstance(layer, CrossAttention)]
    handles = [layer.register_forward_hook(lambda layer, got, out: given.append((layer, *got))) for layer in layers]
    with WordAttention(network, context.tokens) as seen:
        network(xt, t, context)
    for handle in handles:
        handle.remove()
    by_hand = torch.stack([attention_weights(*layer.look(x, c), c.mask).mean(1) for layer, x, c in given]).mean(0)
    coarse = by_hand.unflatten(1, network.grid(xt.shape))
    fine = coarse.repeat_interleave(4 // coarse.shape[2], 2).repeat_interleave(6 // coarse.shape[3], 3)
    torch.testing.assert_close(seen.maps([None]), fine)


@torch.no_grad()
def test_calls_about_other_words_are_not_counted_and_groups_are_kept_apart():
    network = awake(CONFIGS["dit"])
    xt, t, context = inputs()
    other = Context(context.tokens + 1, context.mask)
    with WordAttention(network, context.tokens) as seen:
        for group, asked in (("first", context), ("first", other), ("second", context)):
            seen.group = group
            network(xt * (2 if group == "second" else 1), t, asked)
    first, second, both = (seen.maps(groups) for groups in (["first"], ["second"], seen.groups))
    assert seen.groups == ["first", "second"] and not torch.equal(first, second)
    torch.testing.assert_close(both, (first + second) / 2)


def test_hooks_are_gone_also_after_an_error():
    network = awake(CONFIGS["dit"])
    with pytest.raises(KeyError), WordAttention(network, inputs()[2].tokens):
        assert len(hooks_of(network)) == 3
        raise KeyError
    assert hooks_of(network) == []


@pytest.mark.parametrize("name", ["dit_pooled", "dit_alone", "unet_pooled"])
def test_networks_that_attend_to_no_words_say_so(name):
    with pytest.raises(ValueError, match="does not attend to words"):
        WordAttention(awake(CONFIGS[name]), inputs()[2].tokens)


def test_a_guided_video_is_the_same_before_while_and_after_looking():
    model = awake_model()
    request = GenerateRequest(prompts=("a red 7 moving left",), seeds=(3,))
    before = generate(model, request)
    with torch.no_grad():
        tokens = model.context(request.prompts).tokens
    with WordAttention(model.denoiser, tokens) as seen:
        assert torch.equal(generate(model, request), before)
    assert torch.equal(generate(model, request), before) and hooks_of(model) == []
    maps = seen.maps(seen.groups)
    torch.testing.assert_close(maps.sum(-1), torch.ones(maps.shape[:-1]))
    words = model.reader.words(request.prompts[0])
    assert words == [("", [0]), ("a", [1]), ("red", [2]), ("7", [3]), ("moving", [4]), ("left", [5])]
    assert (maps[..., 6:] == 0).all()
