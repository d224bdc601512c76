"""The Diffusion Transformer: what each of its options means."""

import itertools

import pytest
import torch
from awake_networks import CONFIGS, CONTEXT_DIM, DIT, awake, frames_changed, inputs

from mutoscope.denoisers.dit import DiT, LearnedPositions


@torch.no_grad()
def test_times_per_frame_reach_their_frames():
    xt, t, context = inputs()
    model = awake(DIT.model_copy(update={"depth": 0}))  # without blocks frames do not talk to each other
    times = t[:, None].repeat(1, 4)
    before = model(xt, times, context)
    times[:, 2] = 1 - times[:, 2]
    changed = (model(xt, times, context) - before).abs().amax((0, 1, 3, 4)) > 1e-6
    assert changed.tolist() == [False, False, True, False]


@torch.no_grad()
def test_a_patch_of_frames_takes_their_mean_time():
    xt, t, context = inputs()
    model = awake(DIT.model_copy(update={"patch": (2, 2, 2)}))
    times = torch.tensor([[0.2, 0.4, 0.7, 0.9]]).expand(3, 4)
    means = torch.tensor([[0.3, 0.3, 0.8, 0.8]]).expand(3, 4)
    torch.testing.assert_close(model(xt, times, context), model(xt, means, context), rtol=0, atol=1e-4)


# ------------------------------------------------------------------------------------------------- attention


@torch.no_grad()
def test_factorised_blocks_look_within_frames_then_over_time():
    one = awake(CONFIGS["factorised"].model_copy(update={"depth": 1}))
    assert frames_changed(one, 1) == [False, True, False, False]
    assert frames_changed(awake(CONFIGS["factorised"]), 1) == [True] * 4


@torch.no_grad()
def test_the_second_factorised_block_stays_at_its_place():
    """With the first block silenced, a change of one patch reaches that patch of every frame and nothing else."""
    model = awake(CONFIGS["factorised"].model_copy(update={"text": False}))
    for parameter in model.blocks[0].parameters():
        parameter.zero_()
    xt, t, _ = inputs(text=False)
    before = model(xt, t, None)
    xt[:, :, 1, 2:, 2:4] += 1  # patch (1, 1) of the 2 x 3 in frame 1
    changed = (model(xt, t, None) - before).abs().amax((0, 1)).unflatten(1, (2, 2)).unflatten(3, (3, 2)).amax((2, 4))
    expected = torch.zeros(4, 2, 3, dtype=torch.bool)
    expected[:, 1, 1] = True
    assert torch.equal(changed > 1e-6, expected)


@torch.no_grad()
def test_block_causal_looks_back_only():
    for k in range(4):
        assert frames_changed(awake(CONFIGS["block_causal"]), k) == [j >= k for j in range(4)]
        assert frames_changed(awake(DIT), k) == [True] * 4


@pytest.mark.parametrize("update", [{}, {"patch": (2, 2, 2)}, {"positions": "learned"}])
@torch.no_grad()
def test_block_causal_on_the_first_frames_is_the_start_of_the_whole(update):
    model = awake(CONFIGS["block_causal"].model_copy(update=update))
    xt, t, context = inputs(f=6)
    whole = model(xt, t, context)
    for f in (2, 4):
        torch.testing.assert_close(model(xt[:, :, :f], t, context), whole[:, :, :f], rtol=0, atol=1e-5)


# ------------------------------------------------------------------------------------------------- modulation


@torch.no_grad()
def test_shared_modulation_is_one_per_block_of_equal_projections():
    xt, t, context = inputs()
    shared, apart = awake(CONFIGS["shared"]), awake(DIT)
    weights = shared.state_dict()
    projection, bias = weights.pop("shared_modulation.weight"), weights.pop("shared_modulation.bias")
    for index in range(DIT.depth):
        offset = weights.pop(f"blocks.{index}.modulation.offset")
        assert offset.shape == (6, DIT.model_dim)
        weights[f"blocks.{index}.modulation.weight"] = projection
        weights[f"blocks.{index}.modulation.bias"] = bias + offset.flatten()
    apart.load_state_dict(weights)
    for times in (t, torch.rand(3, 4, generator=torch.Generator().manual_seed(5))):
        torch.testing.assert_close(shared(xt, times, context), apart(xt, times, context), rtol=0, atol=2e-5)


def test_shared_modulation_saves_its_parameters():
    def count(config):
        return sum(parameter.numel() for parameter in DiT(config, 3, CONTEXT_DIM).parameters())

    d, depth = DIT.model_dim, DIT.depth
    assert count(DIT) - count(CONFIGS["shared"]) == (depth - 1) * (6 * d * d + 6 * d) - depth * 6 * d


# ------------------------------------------------------------------------------------------------- positions


def test_learned_positions_add_a_table_per_axis():
    layer = LearnedPositions(8)
    found = layer((3, 2, 4)).unflatten(1, (2, 4))
    for f, h, w in itertools.product(range(3), range(2), range(4)):
        torch.testing.assert_close(found[f, h, w], layer.frames[f] + layer.rows[h] + layer.columns[w])


@torch.no_grad()
def test_rotary_positions_know_the_distance_of_frames_only():
    """The first frame's number is not seen: a still video has frames that differ by their neighbours alone.

    With learned positions the middle frames of a still video, seen only by themselves, differ.
    """
    xt, t, context = inputs(f=1)
    still = xt.expand(-1, -1, 4, -1, -1).contiguous()
    alone = {name: awake(CONFIGS[name].model_copy(update={"depth": 0})) for name in ("dit", "learned")}
    spread = {name: model(still, t, context).std(2).max() for name, model in alone.items()}
    assert spread["dit"] < 1e-6 and spread["learned"] > 1e-2


def test_learned_positions_reach_64_of_each():
    model = awake(CONFIGS["learned"].model_copy(update={"depth": 0, "patch": (1, 4, 2), "text": False}))
    assert model(torch.zeros(1, 3, 64, 4, 6), torch.zeros(1), None).isfinite().all()
    with pytest.raises(ValueError, match=r"^65 x 1 x 3 tokens .* Use --denoiser.positions rotary or .*patch 5 4 2\.$"):
        model(torch.zeros(1, 3, 65, 4, 6), torch.zeros(1), None)


def test_latents_that_do_not_divide_name_a_patch():
    xt, t, context = inputs()
    with pytest.raises(ValueError, match=r"latents of 4 x 3 x 6 .* patches of \(1, 2, 2\). .* e.g. 1 1 2"):
        awake()(xt[:, :, :, :3], t, context)
