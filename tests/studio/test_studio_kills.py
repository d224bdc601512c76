"""Server and worker are killed while jobs run: nothing is lost, and nothing runs twice unseen."""

import json
import random
import time
import urllib.request
from collections import Counter

import numpy as np
import pytest
from studio_process import StudioProcess

KILLS, VIDEOS = 20, 10
RUN = {"recipe": "smoke", "name": "mine", "values": {"training": {"steps": 300, "checkpoint_every": 10}}}


class Customer:
    """Asks for a training and for videos, and for whatever was interrupted once more."""

    def __init__(self, studio: StudioProcess):
        self.studio, self.asked, self.interrupted = studio, [], Counter()

    def post(self, path: str, body: dict) -> dict:
        address, kind = f"{self.studio.address}api/{path}", {"content-type": "application/json"}
        request = urllib.request.Request(address, json.dumps(body).encode(), kind)
        return json.loads(urllib.request.urlopen(request, timeout=20).read())

    def train(self) -> None:
        self.asked.append(self.post("train", RUN)["job"])

    def video(self, seed: int) -> str:
        wish = {"prompts": ["a red 7 moving left"], "seeds": [seed], "steps": [30]}
        self.asked.append(self.post("generate", wish)["id"])
        return self.asked[-1]

    def jobs(self) -> dict[str, dict]:
        found = {job["id"]: job for job in json.loads(self.studio.ask("api/jobs"))}
        assert set(found) == set(self.asked)  # none is lost, none came by itself
        return found

    def once_more(self) -> bool:
        """Whether all is done; what is not and does not run is asked for again."""
        for job in self.jobs().values():
            # A training outlives its worker; asked for again, it is told that somebody trains there.
            assert job["state"] != "failed" or "in use by" in job["message"], job
            if job["state"] in ("interrupted", "failed"):
                self.post("job/again", {"job": job["id"]})
                self.interrupted[job["id"]] += 1
        return all(job["state"] == "done" for job in self.jobs().values())

    def frames(self, job: str) -> np.ndarray:
        return np.load(self.studio.folder / ".mutoscope" / "videos" / job / "0.npy")


def kill_somebody(studio: StudioProcess, fate: random.Random) -> None:
    who = fate.choice(["worker", "server", "both"])
    if who != "server":
        studio.kill_worker()
    if who != "worker":
        studio.kill()
        studio.start()
    studio.wait_for(studio.workers, 30)


@pytest.mark.slow
def test_twenty_kills_lose_nothing(tmp_path):
    fate = random.Random(5)
    with StudioProcess(tmp_path) as studio:
        customer = Customer(studio)
        customer.train()
        videos = [customer.video(seed) for seed in range(VIDEOS)]
        for _ in range(KILLS):
            time.sleep(fate.uniform(0.05, 2.5))
            kill_somebody(studio, fate)
            if customer.once_more():  # always somebody to kill
                customer.video(len(customer.asked))
        studio.wait_for(customer.once_more, 300)
        for job in customer.jobs().values():
            assert job["tries"] <= 1 + customer.interrupted[job["id"]], job
        assert all(customer.frames(job).shape == (17, 32, 32, 3) for job in videos)
        again = customer.video(0)
        studio.wait_for(customer.once_more, 60)
        assert np.array_equal(customer.frames(again), customer.frames(videos[0]))
        assert json.loads(studio.ask("api/run?run=mine"))["state"] == "finished"
    print(f"{KILLS} kills, {sum(customer.interrupted.values())} times once more, {len(customer.asked)} jobs done")
    studio.wait_for(lambda: not studio.workers(), 30)  # nothing is left behind
