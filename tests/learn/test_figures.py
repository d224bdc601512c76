"""Interactive figures: each position says and shows what the package computes there."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mutoscope.evaluation.reconstruction import psnr
from mutoscope.learn.chapters import chapter_names
from mutoscope.learn.figure import Asked, clip_of, standard_normal
from mutoscope.learn.figures import HERE, beta, draw_of, figures, guidance, steps
from mutoscope.learn.figures.beta import BETAS, fitted
from mutoscope.learn.figures.walk import block_of
from mutoscope.pipeline import PACKAGED_MODEL, Pipeline
from mutoscope.vae.losses import reconstruction_loss
from mutoscope.vae.posterior import Posterior
from mutoscope.video.pixels import to_frames, to_uint8

VIDEOS = 2
ASKED = Asked("a red 7 moving left", 1)

pytestmark = pytest.mark.skipif(
    not (PACKAGED_MODEL / "weights.safetensors").is_file(), reason="the packaged model is not here"
)


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    """The packaged model, exactly; figures of many videos make some of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(guidance, "SCALES", (0.0, 1.0, 5.0))
        patched.setattr(steps, "STEPS", (1, 4, 12, 16))
        patched.setattr(steps, "EXACT", 30)
        patched.setattr(beta, "STEPS", 60)
        for module in (guidance, steps):
            patched.setattr(module, "VIDEOS", VIDEOS)
        yield Pipeline.load(dtype=torch.float32)


@pytest.fixture(scope="module")
def drawn(pipeline):
    """Figures by name, each computed once."""
    kept: dict = {}

    def get(name: str):
        if name not in kept:
            told: list[tuple[int, int]] = []
            kept[name] = draw_of(name)(pipeline, ASKED, lambda done, total: told.append((done, total)))
            assert told == sorted(told) and told[-1][0] == told[-1][1]  # to the end, and never backwards
        return kept[name]

    return get


def test_a_list_of_figures_loads_no_torch():
    code = "import sys; from mutoscope.learn.figures import figures; print(len(figures()), 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "6 False\n"


def test_every_file_is_a_figure_and_leads_to_a_section_of_the_course():
    assert sorted(figures()) == sorted(file.stem for file in HERE.glob("*.py") if file.name != "__init__.py")
    pytest.importorskip("jupytext", reason="the course's packages are not installed")
    from mutoscope.learn.chapters import read_chapter

    for figure in figures().values():
        chapter, section = figure.read
        assert chapter in chapter_names()
        assert section in [title for _, title in read_chapter(chapter).sections]
        assert figure.asks in ("clip", "prompt") and figure.title and figure.text and figure.slider


@pytest.mark.parametrize("name", list(figures()))
def test_all_positions_have_the_same_pictures(drawn, name):
    figure = drawn(name)
    shapes = [clip.shape for clip in figure.positions[0].clips]
    assert len(shapes) == len(figure.captions) and 0 <= figure.begin < len(figure.positions)
    for position in figure.positions:
        assert [clip.shape for clip in position.clips] == shapes and position.said
        assert all(clip.dtype == np.uint8 for clip in position.clips)
    assert len({position.value for position in figure.positions}) == len(figure.positions)


def test_noise_goes_from_the_clip_to_noise(pipeline, drawn):
    figure, (frames, caption) = drawn("noise"), clip_of(ASKED.number)
    pixels = [position.clips[0] for position in figure.positions]
    assert (pixels[0] == to_uint8(frames[0])).all() and caption in figure.captions[2]
    noise = standard_normal(frames.shape, ASKED.number)[0].clamp(-1, 1)
    assert (pixels[-1] == to_uint8(noise)).all()
    middle = to_uint8((0.5 * frames + 0.5 * standard_normal(frames.shape, ASKED.number))[0].clamp(-1, 1))
    assert figure.positions[20].value == "0.500" and (pixels[20] == middle).all()
    # At t = 0 the guesses are what the VAE gives back, and with noise only the caption tells which colour it was.
    rebuilt = to_uint8(pipeline.model.decode(pipeline.model.encode(frames)).detach()[0])
    first, last = (figure.positions[k].clips for k in (0, -1))
    assert np.abs(first[2].astype(int) - rebuilt).max() <= 3 and np.abs(first[3].astype(int) - rebuilt).max() <= 3
    assert np.abs(last[2].astype(int) - last[3]).max() > 50


def test_every_place_is_of_one_token(pipeline):
    model = pipeline.model
    shape = model.latent_shape(model.config.num_frames)
    grid, patch = model.denoiser.grid(torch.Size(shape)), model.config.denoiser.patch
    latent, pixel = torch.zeros(shape[1:], dtype=torch.long), torch.zeros(model.config.num_frames, 32, 32).long()
    for token in range(int(np.prod(grid))):
        inner, outer = block_of(token, grid, patch, model.config.vae)
        latent[inner.frames, inner.rows, inner.columns] += 1
        pixel[outer.frames, outer.rows, outer.columns] += 1
    assert (latent == 1).all() and (pixel == 1).all()


def test_what_is_missing_without_a_token_is_where_it_says_and_never_earlier(drawn):
    figure = drawn("walk")
    assert len(figure.positions) == 80
    # Causal: silence of a token in the last latent frame (frames 13 to 16) is not noticed before.
    for position in figure.positions[64:]:
        assert "stands for frames 13 to 16" in position.said and not position.clips[3][:13].any()
    strongest = figure.positions[figure.begin]
    lit, lost = (strongest.clips[k].max(-1).astype(float) for k in (0, 3))
    bright = (lit >= 48).any(0)
    assert lost.sum(0)[bright].mean() > 5 * lost.sum(0)[~bright].mean()
    assert "exactly" in strongest.said and "2,560 latents" in strongest.said


def test_beta_trades_error_for_width(drawn):
    figure = drawn("beta")
    numbers = [position.said.split() for position in figure.positions]
    errors, prices = [float(words[0]) for words in numbers], [float(words[4]) for words in numbers]
    assert errors == sorted(errors) and prices == sorted(prices, reverse=True)
    totals = [float(words[6].rstrip(".")) for words in numbers]
    for weight, error, price, total in zip(BETAS, errors, prices, totals, strict=True):
        assert total == pytest.approx(error + weight * price, abs=0.0052 * weight + 1e-4)  # as printed


def test_the_fitted_cloud_costs_less_than_the_encoders_and_leaves_the_networks_alone(pipeline):
    vae, (frames, _) = pipeline.model.vae, clip_of(2)
    betas = torch.tensor([1e-3, 0.1])
    cloud = fitted(vae, frames, betas, standard_normal((25, 8, 5, 8, 8), 0), lambda done, total: None)
    given, drawn = vae.posterior(frames), standard_normal((1, 8, 5, 8, 8), 99)

    def cost(posterior: Posterior) -> torch.Tensor:
        error = reconstruction_loss(
            vae.decode_raw(posterior.sample(drawn.expand_as(posterior.mean))) - frames, vae.config
        )
        return (error + betas * posterior.kl()).detach()

    assert (cost(cloud) < cost(given)).all()
    assert all(parameter.grad is None and parameter.requires_grad for parameter in vae.parameters())


def test_words_share_out_all_attention(drawn):
    figure = drawn("words")
    assert [position.value for position in figure.positions][1:] == ["a", "red", "7", "moving", "left"]
    shares = [float(position.said.split()[0]) for position in figure.positions]
    assert sum(shares) == pytest.approx(100, abs=0.4)
    assert figure.positions[figure.begin].value == "7"


@pytest.mark.parametrize("name, own", [("guidance", "5"), ("steps", "12")])
def test_the_models_own_setting_shows_the_models_own_videos(pipeline, drawn, name, own):
    figure = drawn(name)
    assert figure.positions[figure.begin].value == own
    seeds = [ASKED.number + k for k in range(VIDEOS)]
    expected = pipeline.generate_many([ASKED.prompt] * VIDEOS, seeds)
    for clip, right in zip(figure.positions[figure.begin].clips, expected, strict=True):
        assert (clip == right).all()


def test_more_steps_lead_nearer_and_guidance_doubles_the_calls(pipeline, drawn):
    near = [float(position.said.split()[5]) for position in drawn("steps").positions]
    assert near == sorted(near) and near[-1] > near[0] + 5
    calls = {position.value: position.said for position in drawn("guidance").positions}
    assert "asked the network 12 times" in calls["1"] and "asked the network 23 times" in calls["5"]
    assert not pipeline.model.denoiser._forward_pre_hooks


@pytest.mark.parametrize("name", list(figures()))
def test_a_figure_that_is_stopped_leaves_the_model_as_it_was(pipeline, name):
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        draw_of(name)(pipeline, ASKED, stop)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in pipeline.model.modules())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("name", [one.name for one in figures().values() if one.asks == "prompt"])
def test_a_prompt_that_is_too_long_is_refused(pipeline, name):
    with pytest.raises(ValueError, match="token|words|long"):
        draw_of(name)(pipeline, Asked("red " * 40, 0), lambda done, total: None)


def test_guesses_get_nearer_as_noise_gets_less(drawn):
    figure, (frames, _) = drawn("noise"), clip_of(ASKED.number)
    quality = [float(psnr(to_frames(figure.positions[k].clips[2])[None], frames).mean()) for k in (40, 36, 32, 24, 0)]
    assert quality == sorted(quality)
