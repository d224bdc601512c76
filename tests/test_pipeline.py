"""From a prompt to a video: one seed means one video, and a request that cannot work says why."""

import numpy as np
import pytest
import torch
from tiny import awake_model, tiny_run

import mutoscope
from mutoscope.pipeline import GenerateRequest, Pipeline, generate, seeded_noise
from mutoscope.samplers.config import SamplingConfig
from mutoscope.samplers.table import SAMPLERS

PROMPTS = ("a red 7 moving left", "a blue 3 moving up", "a green 5 moving right")


@pytest.fixture(scope="module")
def model():
    return awake_model()


def request(prompts=PROMPTS, seeds=(7, 1, 3), **changes):
    return GenerateRequest(prompts=prompts, seeds=seeds, **changes)


def test_a_seed_means_one_noise_in_any_batch():
    alone, batch = seeded_noise((7,), (4, 2, 2, 2)), seeded_noise((1, 7, 3), (4, 2, 2, 2))
    assert torch.equal(alone[0], batch[1]) and not torch.equal(batch[0], batch[1])
    assert abs(seeded_noise((0,), (100, 100)).std() - 1) < 0.03


def test_videos_have_the_size_and_range(model):
    frames = generate(model, request())
    assert frames.shape == (3, 3, 5, 16, 16) and frames.dtype == torch.float32
    assert frames.abs().max() <= 1 and frames.std() > 0.01
    assert generate(model, request(num_frames=9)).shape == (3, 3, 9, 16, 16)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_means_one_video_in_any_batch(model, sampler):
    sampling = SamplingConfig(sampler=sampler, steps=3)
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


@pytest.mark.parametrize(("sampler", "calls"), [("euler", 4), ("ddim", 4), ("heun", 7), ("dpmpp_2m", 4)])
def test_progress_counts_every_network_step(model, sampler, calls):
    seen = []
    sampling = SamplingConfig(sampler=sampler, steps=4)
    generate(model, request(sampling=sampling), on_step=lambda done, total: seen.append((done, total)))
    assert seen == [(k, calls) for k in range(1, calls + 1)]


def network_calls(model, sampling):
    calls = []
    handle = model.denoiser.register_forward_hook(lambda *arguments: calls.append(1))
    generate(model, request(sampling=sampling))
    handle.remove()
    return len(calls)


def test_guidance_costs_a_second_call_only_where_it_acts(model):
    settings = {"sampler": "euler", "steps": 4}  # times 1, 0.75, 0.5, 0.25
    assert network_calls(model, SamplingConfig(guidance_scale=1.0, **settings)) == 4
    assert network_calls(model, SamplingConfig(guidance_scale=3.0, guidance_interval=(0.0, 1.0), **settings)) == 8
    assert network_calls(model, SamplingConfig(guidance_scale=3.0, guidance_interval=(0.4, 0.8), **settings)) == 6


def test_guidance_scale_zero_ignores_the_prompt(model):
    sampling = SamplingConfig(guidance_scale=0.0, guidance_interval=(0.0, 1.0), steps=2)
    frames = generate(model, request(PROMPTS[:2], (5, 5), sampling=sampling))
    torch.testing.assert_close(frames[0], frames[1], rtol=0, atol=1e-5)


def test_an_unconditional_model_generates():
    config = tiny_run(denoiser={"model_dim": 32, "num_heads": 2, "depth": 1, "text": False})
    frames = generate(awake_model(config), request(PROMPTS[:2], (5, 5)))
    torch.testing.assert_close(frames[0], frames[1], rtol=0, atol=1e-5)


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
    with pytest.raises(ValueError, match="sampler"):
        pipeline.sampling(3, "dpm", None)
    with pytest.raises(ValueError, match="steps"):
        pipeline.sampling(0, None, None)


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
