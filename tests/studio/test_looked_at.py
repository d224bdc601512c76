"""What each word looked at: the same video under its heat, word by word."""

import json
import threading

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from tiny import awake_model, tiny_run

from mutoscope.denoisers.word_attention import WordAttention
from mutoscope.evaluation.word_heat import overlay
from mutoscope.pipeline import GenerateRequest, generate
from mutoscope.pipeline.request import windows_of
from mutoscope.studio.app import build_app
from mutoscope.studio.jobs import Jobs
from mutoscope.studio.looked_at import PARTS, look, part_maps
from mutoscope.studio.queue import LANES
from mutoscope.studio.requests import VideoRequest
from mutoscope.studio.videos import Videos
from mutoscope.vae.config import PixelConfig, VAEConfig
from mutoscope.vae.model import frame_places, latent_shape
from mutoscope.video.read import read_video

PROMPT = "a red 7 moving left"


@pytest.fixture
def page(workspace) -> TestClient:
    return TestClient(build_app(workspace))


def made_video(workspace, run: str) -> tuple[Jobs, str]:
    """A generate job that is done: its id, with one cell."""
    jobs = Jobs(workspace.own / "jobs.db")
    job = jobs.add("generate", PROMPT, run, VideoRequest(model=run, prompts=(PROMPT,)).model_dump(mode="json"))
    jobs.claim(job.id)
    assert Videos(workspace).make(job, jobs, threading.Event())[0] == "done"
    jobs.end(job.id, "done")
    return jobs, job.id


@pytest.mark.parametrize("config", [VAEConfig(), VAEConfig(first_frame_alone=False, memory=False), PixelConfig()])
def test_every_frame_is_of_one_latent_frame(config):
    frames = 17 if getattr(config, "first_frame_alone", True) else 16
    places = frame_places(config, frames)
    assert len(places) == frames and places == sorted(places)
    assert set(places) == set(range(latent_shape(config, frames, 32, 32)[1]))


def test_no_heat_leaves_the_video_grey_and_full_heat_is_warm():
    clip = np.full((2, 4, 4, 3), 100, np.uint8)
    heat = torch.zeros(2, 2, 2)
    heat[1] = 1
    cold, hot = overlay(clip, heat, scale=3)
    assert cold.shape == (12, 12, 3) and (cold == 80).all()
    red, green, blue = hot[0, 0]
    assert red > 150 > green > blue


@torch.no_grad()
def test_parts_of_the_steps_and_windows_of_a_long_video_are_put_together():
    config = tiny_run()
    config = config.model_copy(update={"diffusion": config.diffusion.model_copy(update={"prefix_share": 0.5})})
    model = awake_model(config)
    asked = GenerateRequest(prompts=(PROMPT,), seeds=(0,), num_frames=9)
    windows = windows_of(model, asked)
    assert len(windows.added) > 1
    with WordAttention(model.denoiser, model.context([PROMPT]).tokens) as seen:

        def on_step(done, total, estimate):
            window, step = divmod(done, 3)
            seen.group = (window, step)

        seen.group = (0, 0)
        generate(model, asked, on_step)
    maps = part_maps(seen, windows)
    assert len(maps) == PARTS + 1 and {len(part) for part in maps} == {latent_shape(config.vae, 9, 16, 16)[1]}
    for part in maps:
        torch.testing.assert_close(part.sum(-1), torch.ones(part.shape[:-1]))
    torch.testing.assert_close(torch.stack(maps[:PARTS]).mean(0), maps[PARTS])


def test_a_network_that_was_never_asked_says_so():
    model = awake_model()
    seen = WordAttention(model.denoiser, torch.zeros(1, 16, 16))
    with pytest.raises(ValueError, match="take more steps"):
        part_maps(seen, windows_of(model, GenerateRequest(prompts=(PROMPT,), seeds=(0,))))


def test_a_job_leaves_a_video_for_each_word_and_part(workspace, make_run, page):
    make_run("demo", weights=True)
    jobs, source = made_video(workspace, "demo")
    answer = page.post("/api/words", json={"job": source, "number": 0}).json()
    assert (answer["kind"], answer["subject"], LANES[answer["kind"]]) == ("words", "demo", "short")
    request = answer["payload"]["request"]
    assert (request["prompts"], request["seeds"], request["steps"]) == ([PROMPT], [0], [3])
    job = jobs.get(answer["id"])
    jobs.claim(job.id)
    assert look(job, jobs, threading.Event(), workspace, Videos(workspace)) == ("done", "")
    folder = workspace.job_folder(job.id)
    words = json.loads((folder / "result.json").read_text())
    assert [word["word"] for word in words] == ["", *PROMPT.split()]
    assert sum(word["share"] for word in words) == pytest.approx(1, abs=1e-3)
    for number in range(len(words) * (PARTS + 1)):
        assert read_video(folder / f"{number}.mp4").frames_u8.shape == (5, 256, 256, 3)
    assert page.get("/api/video", params={"job": job.id, "number": 3}).status_code == 200
    assert jobs.get(job.id).done == jobs.get(job.id).total == 3


def test_a_job_that_was_asked_to_leave_leaves(workspace, make_run, page):
    make_run("demo", weights=True)
    jobs, source = made_video(workspace, "demo")
    job = jobs.get(page.post("/api/words", json={"job": source, "number": 0}).json()["id"])
    jobs.claim(job.id)
    jobs.ask(job.id, "stop")
    assert look(job, jobs, threading.Event(), workspace, Videos(workspace))[0] == "cancelled"


def test_videos_that_are_not_there_and_models_that_attend_to_no_words_are_refused(workspace, make_run, page):
    run = make_run("demo", weights=True)
    _, source = made_video(workspace, "demo")
    assert page.post("/api/words", json={"job": source, "number": 1}).status_code == 404
    assert page.post("/api/words", json={"job": "0" * 32, "number": 0}).status_code == 404
    config = json.loads((run / "model" / "config.json").read_text())
    config["denoiser"]["cross_attention"] = False
    (run / "model" / "config.json").write_text(json.dumps(config))
    answer = page.post("/api/words", json={"job": source, "number": 0})
    assert answer.status_code == 422 and "does not attend to words" in answer.json()["message"]
