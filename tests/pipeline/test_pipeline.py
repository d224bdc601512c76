"""From a prompt to a video: one seed means one video, and a request that cannot work says why."""

from typing import get_args

import numpy as np
import pytest
import torch
from tiny import awake_model, tiny_run

import mutoscope
from mutoscope.pipeline import GenerateRequest, Pipeline, check_weak_model, generate, seeded_draw
from mutoscope.samplers.config import SamplerName, SamplingConfig

PROMPTS = ("a red 7 moving left", "a blue 3 moving up", "a green 5 moving right")


@pytest.fixture(scope="module")
def model():
    return awake_model()


def request(prompts=PROMPTS, seeds=(7, 1, 3), **changes):
    return GenerateRequest(prompts=prompts, seeds=seeds, **changes)


def test_a_seed_means_one_noise_in_any_batch():
    alone, batch = seeded_draw((7,), (4, 2, 2, 2)), seeded_draw((1, 7, 3), (4, 2, 2, 2))
    first = alone(), batch()
    expected = torch.randn(4, 2, 2, 2, generator=torch.Generator().manual_seed(7))
    assert torch.equal(first[0][0], expected) and torch.equal(first[1][1], expected)
    second = alone(), batch()
    assert torch.equal(second[0][0], second[1][1])
    assert not torch.equal(second[0], first[0]) and not torch.equal(first[1][0], first[1][1])
    assert abs(seeded_draw((0,), (100, 100))().std() - 1) < 0.03


def test_videos_have_the_size_and_range(model):
    frames = generate(model, request())
    assert frames.shape == (3, 3, 5, 16, 16) and frames.dtype == torch.float32
    assert frames.abs().max() <= 1 and frames.std() > 0.01
    assert generate(model, request(num_frames=9)).shape == (3, 3, 9, 16, 16)


@pytest.mark.parametrize(("sampler", "eta"), [(name, 0.0) for name in get_args(SamplerName)] + [("ddim", 1.0)])
def test_a_seed_means_one_video_in_any_batch(model, sampler, eta):
    sampling = SamplingConfig(sampler=sampler, steps=3, eta=eta)
    batch = generate(model, request(sampling=sampling))
    alone = generate(model, request(PROMPTS[1:2], (1,), sampling=sampling))
    torch.testing.assert_close(alone[0], batch[1], rtol=0, atol=1e-4)
    assert torch.equal(generate(model, request(sampling=sampling)), batch)


def test_prompt_and_seed_both_matter(model):
    same = generate(model, request((PROMPTS[0],) * 3, (7, 7, 8)))
    torch.testing.assert_close(same[0], same[1], rtol=0, atol=1e-5)
    assert (same[0] - same[2]).abs().max() > 1e-2
    other = generate(model, request(PROMPTS[:2], (7, 7)))
    assert (other[0] - other[1]).abs().max() > 1e-4


def test_generating_leaves_the_global_generator_alone(model):
    before = torch.random.get_rng_state()
    generate(model, request())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("sampler", get_args(SamplerName))
@pytest.mark.parametrize("guidance", ["classifier_free", "cfg_zero_star"])
def test_progress_counts_every_network_step(model, sampler, guidance):
    seen, calls = [], 7 if sampler == "heun" else 4
    sampling = SamplingConfig(sampler=sampler, steps=4, guidance=guidance, guidance_rescale=0.5)
    generate(model, request(sampling=sampling), on_step=lambda done, total, x0: seen.append((done, total)))
    assert seen == [(k, calls) for k in range(1, calls + 1)]


def network_calls(model, sampling, weak_model=None):
    calls = []
    handle = model.denoiser.register_forward_hook(lambda *arguments: calls.append(1))
    generate(model, request(sampling=sampling), weak_model=weak_model)
    handle.remove()
    return len(calls)


def test_guidance_costs_a_second_call_only_where_it_acts(model):
    settings = {"sampler": "euler", "steps": 4}  # times 1, 0.75, 0.5, 0.25
    assert network_calls(model, SamplingConfig(guidance_scale=1.0, **settings)) == 4
    assert network_calls(model, SamplingConfig(guidance_scale=3.0, guidance_interval=(0.0, 1.0), **settings)) == 8
    assert network_calls(model, SamplingConfig(guidance_scale=3.0, guidance_interval=(0.4, 0.8), **settings)) == 6


def test_rescaling_costs_no_call_and_cfg_zero_star_saves_those_of_the_first_step(model):
    settings = {"sampler": "euler", "steps": 4, "guidance_interval": (0.0, 1.0)}
    assert network_calls(model, SamplingConfig(guidance_rescale=0.7, **settings)) == 8
    assert network_calls(model, SamplingConfig(guidance="cfg_zero_star", guidance_rescale=0.7, **settings)) == 6
    assert network_calls(model, SamplingConfig(guidance="cfg_zero_star", **settings | {"guidance_scale": 1.0})) == 4


def test_every_guidance_makes_another_video(model):
    settings = [{}, {"guidance_rescale": 0.7}, {"guidance": "cfg_zero_star"}, {"guidance_scale": 1.0}]
    settings += [{"guidance": "cfg_zero_star", "guidance_rescale": 0.7}]
    found = [generate(model, request(sampling=SamplingConfig(steps=3, **fields))) for fields in settings]
    for i, one in enumerate(found):
        assert all((one - other).abs().max() > 1e-3 for other in found[:i])


def test_guidance_scale_zero_ignores_the_prompt(model):
    sampling = SamplingConfig(guidance_scale=0.0, guidance_interval=(0.0, 1.0), steps=2)
    frames = generate(model, request(PROMPTS[:2], (5, 5), sampling=sampling))
    torch.testing.assert_close(frames[0], frames[1], rtol=0, atol=1e-5)


def test_an_unconditional_model_generates():
    config = tiny_run(denoiser={"model_dim": 32, "num_heads": 2, "depth": 1, "text": False})
    frames = generate(awake_model(config), request(PROMPTS[:2], (5, 5)))
    torch.testing.assert_close(frames[0], frames[1], rtol=0, atol=1e-5)


# ----------------------------------------------------------------------------------------------- weak model


def weaker(model, **changes):
    """Another denoiser and text encoder with the model's VAE."""
    weak = awake_model(tiny_run(**{"denoiser": {"model_dim": 16, "num_heads": 2, "depth": 1}} | changes), seed=5)
    weak.vae.load_state_dict(model.vae.state_dict())
    return weak


def test_the_weak_model_takes_the_place_of_the_empty_caption(model):
    weak, settings = weaker(model), {"sampler": "euler", "steps": 2, "guidance_interval": (0.0, 1.0)}
    nothing = SamplingConfig(guidance_scale=0.0, **settings)
    torch.testing.assert_close(  # scale 0 is the negative alone: the weak model with its own reading of the prompt
        generate(model, request(sampling=nothing), weak_model=weak),
        generate(weak, request(sampling=SamplingConfig(guidance_scale=1.0, **settings))),
        rtol=0,
        atol=1e-4,
    )
    strong = SamplingConfig(guidance_scale=3.0, **settings)
    with_weak = generate(model, request(sampling=strong), weak_model=weak)
    assert (with_weak - generate(model, request(sampling=strong))).abs().max() > 1e-3
    assert network_calls(model, strong, weak) == 2 and network_calls(model, strong) == 4
    with_itself = generate(model, request(sampling=strong), weak_model=model)
    off = SamplingConfig(guidance_scale=1.0, **settings)
    torch.testing.assert_close(with_itself, generate(model, request(sampling=off)), rtol=0, atol=1e-4)


def test_an_unconditional_model_can_be_guided_by_a_weak_one():
    config = tiny_run(denoiser={"model_dim": 32, "num_heads": 2, "depth": 1, "text": False})
    model = awake_model(config)
    plain = generate(model, request())
    assert (generate(model, request(), weak_model=weaker(model)) - plain).abs().max() > 1e-3
    assert torch.equal(generate(model, request(sampling=SamplingConfig(steps=3, guidance_scale=1.0))), plain)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"diffusion": {"path": "cosine"}}, "the weak model was trained with path=cosine, the model with path=linear"),
        (
            {"data": tiny_run().data.model_copy(update={"width": 20})},
            r"the weak model has latents of \(.*\), the model",
        ),
    ],
)
def test_a_weak_model_that_does_not_fit_is_refused(model, changes, message):
    weak = weaker(model, **changes)
    for refused in (lambda: generate(model, request(), weak_model=weak), lambda: Pipeline(model, weak)):
        with pytest.raises(
            ValueError, match=message + ".* Guide with an earlier snapshot .* or leave --weak-model out"
        ):
            refused()


def test_a_weak_model_of_another_vae_is_refused(model):
    weak = weaker(model)
    check_weak_model(model, weak)
    with torch.no_grad():
        next(weak.vae.parameters()).add_(1e-3)
    with pytest.raises(ValueError, match="the weak model has another VAE, so its latents mean something else"):
        check_weak_model(model, weak)


# ------------------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompts": (), "seeds": ()}, "there is no prompt. Give one, e.g."),
        ({"prompts": ("a red 7", "  "), "seeds": (0, 1)}, "a prompt is empty. Say what to show"),
        ({"prompts": ("a red 7",), "seeds": (0, 1)}, "1 prompts need as many seeds, got 2"),
        ({"prompts": ("a red 7",), "seeds": (0,), "num_frames": 0}, "greater than or equal to 1"),
        ({"prompts": ("a red 7",), "seeds": (0,), "frames": 3}, "Extra inputs are not permitted"),
    ],
)
def test_requests_that_cannot_work_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        GenerateRequest(**fields)


def test_frame_counts_that_do_not_fit_name_the_nearest(model):
    with pytest.raises(ValueError, match="6 frames do not fit the VAE: .* Nearest: 5 or 7"):
        generate(model, request(num_frames=6))


def test_a_prompt_that_is_too_long_is_refused(model):
    with pytest.raises(ValueError, match="the prompt has 20 words, this model reads 15 at most"):
        generate(model, request(("red " * 20,), (0,)))


@pytest.mark.parametrize("interval", [(0.5, 0.5), (0.8, 0.2), (-0.1, 1.0), (0.0, 1.1)])
def test_guidance_intervals_must_be_ordered(interval):
    with pytest.raises(ValueError, match=r"guidance_interval=.* must satisfy 0 <= low < high <= 1. Try 0.1 1.0"):
        SamplingConfig(guidance_interval=interval)


# ------------------------------------------------------------------------------------------------- Pipeline


def test_pipeline_gives_bytes(model):
    pipeline = Pipeline(model)
    video = pipeline.generate(PROMPTS[0], seed=7)
    assert video.dtype == np.uint8 and video.shape == (5, 16, 16, 3)
    np.testing.assert_array_equal(video, pipeline.generate(PROMPTS[0], seed=7))
    many = pipeline.generate_many(list(PROMPTS), [7, 1, 3])
    assert len(many) == 3
    assert np.abs(many[0].astype(int) - video.astype(int)).max() <= 1


def test_what_is_not_given_is_as_the_model_was_made_for():
    own = SamplingConfig(sampler="heun", steps=5, guidance_scale=2.0, guidance_interval=(0.2, 0.9))
    pipeline = Pipeline(awake_model(tiny_run(sampling=own)))
    assert pipeline.sampling(None, None, None) == own
    changed = pipeline.sampling(3, "euler", 0.0)
    assert changed == SamplingConfig(sampler="euler", steps=3, guidance_scale=0.0, guidance_interval=(0.2, 0.9))
    rest = pipeline.sampling(eta=0.5, sampler="ddim", guidance="cfg_zero_star", guidance_rescale=0.7)
    more = {"eta": 0.5, "sampler": "ddim", "guidance": "cfg_zero_star", "guidance_rescale": 0.7}
    assert rest == SamplingConfig.model_validate(own.model_dump() | more)
    with pytest.raises(ValueError, match="eta=0.5 needs sampler=ddim, got sampler=heun"):
        pipeline.sampling(eta=0.5)
    with pytest.raises(ValueError, match="sampler"):
        pipeline.sampling(3, "dpm", None)
    with pytest.raises(ValueError, match="steps"):
        pipeline.sampling(0, None, None)


def test_eta_stays_with_its_sampler():
    pipeline = Pipeline(awake_model(tiny_run(sampling=SamplingConfig(sampler="ddim", eta=0.5))))
    assert pipeline.sampling(steps=3).eta == 0.5
    assert pipeline.sampling(sampler="ddim").eta == 0.5
    assert pipeline.sampling(sampler="euler") == SamplingConfig(sampler="euler")
    with pytest.raises(ValueError, match="eta=0.2 needs sampler=ddim"):
        pipeline.sampling(sampler="euler", eta=0.2)


def test_load_takes_a_weak_model(model, tmp_path):
    model.save(tmp_path / "run" / "model")
    weak = weaker(model)
    weak.save(tmp_path / "weak")
    loaded = mutoscope.load(tmp_path / "run", torch.float32, weak_model=tmp_path / "weak")
    video = loaded.generate(PROMPTS[0], seed=2)
    np.testing.assert_array_equal(video, Pipeline(model, weak).generate(PROMPTS[0], seed=2))
    assert np.abs(video.astype(int) - Pipeline(model).generate(PROMPTS[0], seed=2)).max() > 1


def test_load_takes_a_run_or_a_model_folder(model, tmp_path):
    model.save(tmp_path / "run" / "model")
    expected = Pipeline(model).generate(PROMPTS[0], seed=2)
    for path in (tmp_path / "run", str(tmp_path / "run" / "model")):
        loaded = mutoscope.load(path, dtype=torch.float32)
        np.testing.assert_array_equal(loaded.generate(PROMPTS[0], seed=2), expected)


def test_load_in_low_precision_is_close(model, tmp_path):
    model.save(tmp_path)
    expected = Pipeline(model).generate(PROMPTS[0], seed=2).astype(int)
    loaded = mutoscope.load(tmp_path, dtype=torch.bfloat16)
    assert loaded.model.dtype == torch.bfloat16
    assert np.abs(loaded.generate(PROMPTS[0], seed=2) - expected).mean() < 3  # of 255


def test_load_of_nothing_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="holds no trained model"):
        mutoscope.load(tmp_path / "nowhere")
