"""What the VAE keeps: clips through it, as pictures that stand under each other."""

import json
import threading

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from tiny import awake_model, tiny_run

from mutoscope.evaluation.vae_strip import VaeStrip, vae_strip
from mutoscope.pipeline import Pipeline
from mutoscope.studio.app import build_app
from mutoscope.studio.jobs import Jobs
from mutoscope.studio.queue import LANES
from mutoscope.studio.strip import CLIPS, ROWS, look_through, pictures
from mutoscope.vae.config import PixelConfig


@pytest.fixture
def page(workspace) -> TestClient:
    return TestClient(build_app(workspace))


def strip_of(frames: int, latents: tuple[int, ...], side: int = 8) -> VaeStrip:
    random = np.random.default_rng(0)
    clip = random.integers(0, 256, (frames, side, side, 3), dtype=np.uint8)
    return VaeStrip(clip, random.normal(size=latents), 255 - clip)


@pytest.mark.parametrize(
    ("frames", "latents"),
    [(17, (8, 5, 2, 2)), (8, (4, 2, 4, 4)), (1, (1, 1, 8, 8)), (60, (16, 15, 1, 1)), (5, (3, 3, 8, 8))],
)
def test_pictures_have_one_width_and_hold_every_frame_and_latent(frames, latents):
    strip = strip_of(frames, latents)
    original, middle, rebuilt, lost = pictures(strip)
    assert {len(picture[0]) for picture in (original, middle, rebuilt, lost)} == {original.shape[1]}
    assert original.shape == rebuilt.shape == lost.shape
    assert (original[:: len(original) // 8][:8, : original.shape[0] : len(original) // 8] == strip.frames_u8[0]).all()
    spans, shown = strip.spans(33)
    assert sum(spans) == shown <= 33 and (frames > 33 or shown == frames)


def test_difference_is_enlarged_and_never_wraps_around():
    clip = np.zeros((1, 4, 4, 3), np.uint8)
    found = VaeStrip(clip, np.zeros((1, 1, 1, 1)), clip + np.array([0, 10, 200], np.uint8)).difference_u8
    assert (found == [0, 40, 255]).all()


def test_there_is_no_strip_in_pixel_space():
    assert vae_strip(awake_model(tiny_run(vae=PixelConfig())), torch.zeros(1, 3, 5, 16, 16)) is None


def test_a_job_leaves_numbered_pictures_and_says_what_they_are(workspace, make_run):
    run = make_run("demo", weights=True)
    jobs = Jobs(workspace.own / "jobs.db")
    job = jobs.add("strip", "the VAE of demo", "demo", {})
    jobs.claim(job.id)
    assert look_through(job, jobs, threading.Event(), workspace, Pipeline.load(run)) == ("done", "")
    folder = workspace.job_folder(job.id)
    cells = json.loads((folder / "result.json").read_text())
    assert len(cells) == CLIPS and all(cell["unseen"] and cell["frames"] == 5 for cell in cells)
    assert all(cell["latents"] == [3, 3, 4, 4] for cell in cells)
    for clip in range(CLIPS):
        assert len({Image.open(folder / f"{ROWS * clip + row}.png").width for row in range(ROWS)}) == 1
    assert (jobs.get(job.id).done, jobs.get(job.id).total) == (CLIPS, CLIPS)


def test_a_job_that_was_asked_to_leave_leaves(workspace, make_run):
    run, closing = make_run("demo", weights=True), threading.Event()
    jobs = Jobs(workspace.own / "jobs.db")
    job = jobs.add("strip", "t", "demo", {})
    jobs.claim(job.id)
    jobs.ask(job.id, "stop")
    assert look_through(job, jobs, closing, workspace, Pipeline.load(run))[0] == "cancelled"
    closing.set()
    assert look_through(job, jobs, closing, workspace, Pipeline.load(run))[0] == "interrupted"


def test_a_look_waits_in_the_short_lane_and_its_run_goes_on_being_what_it_is(page, make_run):
    make_run("demo", weights=True)
    job = page.post("/api/strip", json={"run": "demo"}).json()
    assert (job["kind"], job["subject"], LANES[job["kind"]]) == ("strip", "demo", "short")
    (row,) = page.get("/api/runs").json()
    assert row["state"] == page.get("/api/run", params={"run": "demo"}).json()["state"] == "finished"


def test_runs_without_a_model_or_a_vae_are_refused(page, make_run):
    make_run("half", finished=False)
    assert "no model yet" in page.post("/api/strip", json={"run": "half"}).json()["message"]
    run = make_run("pixels")
    (run / "model" / "config.json").write_text(tiny_run(vae=PixelConfig()).model.model_dump_json())
    answer = page.post("/api/strip", json={"run": "pixels"})
    assert answer.status_code == 422 and "there is no VAE" in answer.json()["message"]
    assert page.post("/api/strip", json={"run": "gone"}).status_code == 404
