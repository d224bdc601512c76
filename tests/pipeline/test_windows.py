"""Given frames and long videos: what is given comes out, and a long video is the short one, continued."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import awake_model, tiny_run

from mutoscope.diffusion.paths import add_noise
from mutoscope.pipeline import GenerateRequest, Pipeline, generate, stream
from mutoscope.pipeline.request import latents_within, windows_of
from mutoscope.samplers.config import SamplingConfig
from mutoscope.vae.config import PixelConfig, VAEConfig
from mutoscope.vae.model import frames_within, latent_shape

MIX = {"prefix_share": 0.3, "between_share": 0.1, "given_noise": 0.05}
PROMPTS = ("a red 7 moving left", "a blue 3 moving up")
SAMPLING = SamplingConfig(sampler="euler", steps=2, guidance_interval=(0.0, 1.0))
SPACES = {
    "vae": VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=2),
    "groups": VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=2, first_frame_alone=False),
    "pixels": PixelConfig(),
}


def model_of(space="vae", **changes):
    num_frames = 6 if space == "groups" else 5
    data = tiny_run().data.model_copy(update={"num_frames": num_frames})
    return awake_model(tiny_run(data=data, vae=SPACES[space], **{"diffusion": MIX} | changes))


@pytest.fixture(scope="module")
def model():
    """Three latent frames (1 + 2 + 2 frames) of 16 x 16."""
    return model_of()


def request(prompts=PROMPTS, seeds=(7, 1), **changes):
    return GenerateRequest(prompts=prompts, seeds=seeds, **{"sampling": SAMPLING} | changes)


def picture(model, seed=0, frames=1, n=1):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(n, model.config.vae.channels, frames, 16, 16, generator=g) * 2 - 1


class Calls:
    """What the network is asked while it is watched: (xt, t) of every call."""

    def __init__(self, model):
        self.model, self.seen = model, []

    def __enter__(self):
        self._hook = self.model.denoiser.register_forward_pre_hook(lambda _, args: self.seen.append(args[:2]))
        return self.seen

    def __exit__(self, *_):
        self._hook.remove()


# ------------------------------------------------------------------------------------------------- the plan


@pytest.mark.parametrize("space", SPACES)
def test_frames_and_latent_frames_are_inverse(space):
    config = SPACES[space]
    for latents in range(1, 9):
        frames = frames_within(config, latents)
        assert latent_shape(config, frames, 16, 16)[1] == latents == latents_within(config, frames)
        assert latents_within(config, frames + 1) == latents + (space == "pixels")
    assert latents_within(config, 1) == 1


LONG = model_of()


@given(st.integers(2, 60), st.integers(1, 2), st.integers(0, 9))
def test_windows_add_up_and_are_all_of_the_length_trained_on(total, history, shown):
    sampling = SAMPLING.model_copy(update={"history": history})
    start = picture(LONG, frames=shown) if shown else None
    plan = windows_of(LONG, request(num_frames=frames_within(LONG.config.vae, total), sampling=sampling), start)
    length = min(3, total)
    assert plan.shape == (3, length, 4, 4)
    assert plan.given(0) == (min(history, length - 1, latents_within(LONG.config.vae, shown)) if shown else 0)
    assert plan.given(0) + sum(plan.added) == total and min(plan.added) >= 1
    middle = [plan.given(i) for i in range(1, len(plan.added))]
    assert middle[:-1] == [history] * len(middle[:-1])
    assert all(history <= given < length for given in middle)  # the last one may look back further


# --------------------------------------------------------------------------------------------- long videos


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("longer", [1, 2, 5])
def test_a_long_video_begins_with_the_short_one(space, longer):
    model = model_of(space)
    num_frames = frames_within(model.config.vae, model.latent_shape(model.config.num_frames)[1] + longer)
    short, long = generate(model, request()), generate(model, request(num_frames=num_frames))
    assert long.shape == (2, 3, num_frames, 16, 16) and long.abs().max() <= 1
    assert torch.equal(long[:, :, : short.shape[2]], short)
    assert (long[:, :, short.shape[2] :] - long[:, :, [short.shape[2] - 1]]).abs().amax(dim=(0, 1, 3, 4)).min() > 1e-3


def test_pieces_are_the_whole(model):
    asked = request(num_frames=15)
    pieces = list(stream(model, asked))
    assert [piece.shape[2] for piece in pieces] == [5, 4, 4, 2]
    assert not any(piece.requires_grad for piece in pieces)
    assert torch.equal(torch.cat(pieces, dim=2), generate(model, asked))


def test_a_seed_means_one_long_video_in_any_batch(model):
    for sampler in ("euler", "ddpm"):  # ddpm draws between the windows' own noise
        asked = {"num_frames": 11, "sampling": SAMPLING.model_copy(update={"sampler": sampler})}
        both = generate(model, request(**asked))
        alone = generate(model, request(PROMPTS[1:], (1,), **asked))
        torch.testing.assert_close(alone[0], both[1], rtol=0, atol=1e-4)


def test_a_window_is_given_the_frames_before_it():
    """The network's second window begins with the encoded end of the first, at the noise it was trained with."""
    model = model_of(diffusion=MIX | {"given_noise": 0.0})
    with Calls(model) as calls:
        pieces = list(
            stream(model, request(num_frames=9, sampling=SAMPLING.model_copy(update={"guidance_scale": 1.0})))
        )
    (first, t_first), _, *second = calls
    assert t_first.shape == (2,) and len(second) == 2
    expected = model.encode(pieces[0][:, :, -1:])
    for (xt, t), time in zip(second, (1.0, 0.5), strict=True):
        torch.testing.assert_close(t, torch.tensor([[0.0, time, time]]).expand(2, 3))
        torch.testing.assert_close(xt[:, :, :1], expected)
    assert (second[0][0][:, :, 1:] - first[:, :, 1:]).abs().min() > 0  # noise of its own


def test_progress_counts_the_steps_of_all_windows(model):
    seen = []
    generate(model, request(num_frames=13), on_step=lambda done, total, x0: seen.append((done, total)))
    assert seen == [(k, 6) for k in range(1, 7)]


def test_a_model_that_was_not_trained_to_go_on_makes_one_window():
    model = model_of(diffusion={})
    with Calls(model) as calls:
        assert generate(model, request(num_frames=13)).shape[2] == 13
    assert {xt.shape[2] for xt, _ in calls} == {7}
    with pytest.raises(
        ValueError, match="1027 frames are too many: this model was not trained to go on .* 1025 at most"
    ):
        stream(model, request(num_frames=1027))


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
@pytest.mark.parametrize("guidance", ["classifier_free", "cfg_zero_star"])
def test_history_guidance_acts_on_what_is_given_only(sampler, guidance):
    model = model_of("pixels")
    settings = {"sampler": sampler, "guidance": guidance, "guidance_rescale": 0.5}
    plain = request(num_frames=8, sampling=SAMPLING.model_copy(update=settings))
    guided = request(num_frames=8, sampling=SAMPLING.model_copy(update=settings | {"history_guidance": 2.0}))
    with Calls(model) as without:
        before = generate(model, plain)
    with Calls(model) as with_guidance:
        after = generate(model, guided)
    assert torch.equal(before[:, :, :5], after[:, :, :5])
    assert (before[:, :, 5:] - after[:, :, 5:]).abs().max() > 1e-3
    at_noise = 1 if guidance == "cfg_zero_star" else 0  # its first step asks nothing
    assert len(with_guidance) - len(without) == 2 - at_noise


# -------------------------------------------------------------------------------------------- given frames


@pytest.mark.parametrize("space", SPACES)
def test_a_picture_is_the_first_frame(space):
    model = model_of(space)
    start = picture(model, n=2)
    video = generate(model, request(), start=start)
    needed = frames_within(model.config.vae, 1)
    shown = model.decode(model.encode(start.expand(-1, -1, needed, -1, -1)))
    torch.testing.assert_close(video[:, :, :needed], shown, rtol=0, atol=1e-5)
    assert video.shape[2] == model.config.num_frames
    if space == "pixels":
        torch.testing.assert_close(video[:, :, :1], start, rtol=0, atol=1e-5)
        other = generate(model, request(), start=picture(model, seed=1))
        assert (other[:, :, -1] - video[:, :, -1]).abs().max() > 1e-3  # what is given matters to the rest


def test_one_picture_serves_all_videos(model):
    start = picture(model)
    one = generate(model, request(), start=start)
    torch.testing.assert_close(one, generate(model, request(), start=start.expand(2, -1, -1, -1, -1)))


def test_a_clip_is_continued_from_its_end(model):
    sampling = SAMPLING.model_copy(update={"history": 2})
    clip = picture(model, frames=8)
    video = generate(model, request(num_frames=9, sampling=sampling), start=clip)
    assert video.shape[2] == 9
    torch.testing.assert_close(
        video[:, :, :3], model.decode(model.encode(clip[:, :, -3:])).expand(2, -1, -1, -1, -1), rtol=0, atol=1e-5
    )
    assert torch.equal(video, generate(model, request(num_frames=9, sampling=sampling), start=clip[:, :, 2:]))


@pytest.mark.parametrize("space", SPACES)
def test_between_two_pictures(space):
    model = model_of(space)
    first, last = picture(model), picture(model, seed=1)
    with Calls(model) as calls:
        video = generate(model, request(), start=first, end=last)
    assert video.shape[2] == model.config.num_frames
    still = last.expand(-1, -1, frames_within(model.config.vae, 2), -1, -1)
    expected = model.encode(still)[:, :, -1:]
    xt, t = calls[0]
    middle = [1.0] * (xt.shape[2] - 2)
    torch.testing.assert_close(t, torch.tensor([[0.05, *middle, 0.05]]).expand(2, -1))
    noise = (xt[:, :, -1:] - 0.95 * expected) / 0.05
    assert abs(noise.std().item() - 1) < 0.2
    torch.testing.assert_close(
        add_noise(expected.expand_as(noise), noise, torch.tensor(0.05), model.path), xt[:, :, -1:], rtol=0, atol=1e-4
    )
    if space == "pixels":
        torch.testing.assert_close(video[:, :, [0, -1]], torch.cat([first, last], 2).expand(2, -1, -1, -1, -1))


def test_known_latents_survive_every_sampler():
    model = model_of("pixels")
    start = picture(model)
    for sampler in ("euler", "ddim", "ddpm", "heun", "dpmpp_2m", "dpmpp_2m_sde", "unipc"):
        video = generate(model, request(sampling=SamplingConfig(sampler=sampler, steps=3)), start=start)
        torch.testing.assert_close(video[:, :, :1], start.expand(2, -1, -1, -1, -1), rtol=0, atol=1e-5)
        assert video.isfinite().all()


@pytest.mark.parametrize(
    ("diffusion", "fields", "frames", "message"),
    [
        (
            {},
            {},
            1,
            r"not trained to go on from given frames \(its diffusion.prefix_share is 0\). Train one: mutoscope",
        ),
        (MIX, {"num_frames": 1}, 1, "with the given frames the video is complete. Ask for more: --frames 3 or more"),
        (MIX, {"sampling": SAMPLING.model_copy(update={"history": 3})}, 1, "history=3 leaves nothing .* --history 1"),
        (
            MIX,
            {"size": (16, 24)},
            1,
            r"start has the shape \(1, 3, 1, 16, 16\), but 2 videos .* need \(1 or 2, 3, frames",
        ),
        (MIX, {"size": (16, 22)}, 0, "height and width must be multiples of 4. Nearest: 16x24"),
        (MIX, {"size": (16, 20)}, 0, "height must be a multiple of 8, width of 8. Try --size 16 16"),
        (MIX, {"num_frames": 8}, 0, "Nearest: 7 or 9"),
    ],
)
def test_what_cannot_be_made_is_refused(diffusion, fields, frames, message):
    model = model_of(diffusion=diffusion)
    start = picture(model, frames=frames) if frames else None
    with pytest.raises(ValueError, match=message):
        stream(model, request(**fields), start=start)


def test_ends_that_cannot_be_are_refused(model):
    one = picture(model)
    for asked, ends, message in (
        (request(), (None, one), "must begin with one, too. Give start, or leave end out"),
        (request(), (one, picture(model, frames=2)), "end has the shape .* need .*, 3, 1, 16, 16"),
        (request(), (picture(model, n=3), None), "start has the shape"),
        (request(num_frames=7), (one, one), "between two frames this model makes 5 frames at most"),
        (request(num_frames=3), (one, one), "the video is complete. Ask for more: --frames 5 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            stream(model, asked, start=ends[0], end=ends[1])
    with pytest.raises(ValueError, match="not trained to fill in between two frames"):
        stream(model_of(diffusion={"prefix_share": 0.2}), request(), start=one, end=one)


def test_learned_positions_end_somewhere():
    learned = {"model_dim": 32, "num_heads": 2, "depth": 1, "positions": "learned"}
    model = model_of(denoiser=learned, diffusion={})
    assert generate(model, request(num_frames=9)).shape[2] == 9
    with pytest.raises(ValueError, match="more than this model's learned positions reach. Ask for fewer frames"):
        stream(model, request(num_frames=257))


def test_a_weak_model_must_know_given_frames(model):
    weak = model_of(diffusion={})
    weak.vae.load_state_dict(model.vae.state_dict())
    assert generate(model, request(), weak_model=weak).shape[2] == 5
    with pytest.raises(ValueError, match="the weak model was not trained with given frames"):
        stream(model, request(num_frames=9), weak_model=weak)


# ------------------------------------------------------------------------------- other sizes, negative prompts


@pytest.mark.parametrize("size", [(24, 16), (16, 40)])
def test_other_sizes_than_trained(model, size):
    video = generate(model, request(num_frames=9, size=size))
    assert video.shape == (2, 3, 9, *size) and video.isfinite().all()


def test_guidance_moves_away_from_the_negative_prompt(model):
    scale = {"guidance_scale": 3.0}
    away = generate(model, request(negative="a green 0 moving down", sampling=SAMPLING.model_copy(update=scale)))
    assert (away - generate(model, request(sampling=SAMPLING.model_copy(update=scale)))).abs().max() > 1e-3
    itself = request(PROMPTS[:1], (7,), negative=PROMPTS[0], sampling=SAMPLING.model_copy(update=scale))
    off = request(PROMPTS[:1], (7,), sampling=SAMPLING.model_copy(update={"guidance_scale": 1.0}))
    torch.testing.assert_close(generate(model, itself), generate(model, off), rtol=0, atol=1e-4)


def test_negative_prompts_without_effect_are_refused(model):
    off = SAMPLING.model_copy(update={"guidance_scale": 1.0})
    with pytest.raises(ValueError, match=r"with guidance 1 \(off\) a negative prompt changes nothing"):
        stream(model, request(negative="blue", sampling=off))
    with pytest.raises(ValueError, match="a negative prompt or a weak model. Leave one of them out"):
        stream(model, request(negative="blue"), weak_model=model)
    silent = model_of(denoiser={"model_dim": 32, "num_heads": 2, "depth": 1, "text": False})
    with pytest.raises(ValueError, match="this model reads no text, so a negative prompt changes nothing"):
        stream(silent, request(negative="blue"))


# ------------------------------------------------------------------------------------------------- Pipeline


def test_pipeline_takes_pictures_and_clips_of_any_size(model):
    pipeline = Pipeline(model)
    g = np.random.default_rng(0)
    image, clip = (g.integers(0, 256, (*shape, 40, 30, 3), dtype=np.uint8) for shape in ((), (4,)))
    video = pipeline.generate(PROMPTS[0], start=image)
    assert video.shape == (5, 16, 16, 3) and video.dtype == np.uint8
    fitted = pipeline.fit(image[None])
    shown = pipeline.model.decode(pipeline.model.encode(fitted))
    expected = ((shown[0, :, 0].permute(1, 2, 0) + 1) * 127.5).detach().numpy()
    assert np.abs(video[0] - expected).max() <= 0.51
    assert pipeline.generate(PROMPTS[0], start=clip, num_frames=9).shape == (9, 16, 16, 3)
    assert pipeline.generate(PROMPTS[0], start=image, end=image).shape == (5, 16, 16, 3)
    assert pipeline.fit(clip, (8, 24)).shape == (1, 3, 4, 8, 24)


def test_grey_models_take_coloured_pictures():
    data = tiny_run().data.model_copy(update={"colours": ()})
    vae = SPACES["vae"].model_copy(update={"channels": 1})
    pipeline = Pipeline(awake_model(tiny_run(data=data, vae=vae, diffusion=MIX)))
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., 1] = 255
    torch.testing.assert_close(pipeline.fit(image[None]), torch.full((1, 1, 1, 16, 16), -1 / 3))
    assert pipeline.generate("a 7 moving left", start=image).shape == (5, 16, 16, 3)
