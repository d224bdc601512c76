"""The table of jobs and the queue beside it: each job is taken once, and none is lost between the two."""

import threading

import pytest

from mutoscope.studio import jobs as jobs_module
from mutoscope.studio.jobs import Jobs, QueueFull
from mutoscope.studio.queue import LANES, Queue


@pytest.fixture
def jobs(tmp_path) -> Jobs:
    return Jobs(tmp_path / "jobs.db")


def test_a_job_is_taken_by_one_of_many(jobs):
    job = jobs.add("generate", "a red 7", "", {"prompts": ["a red 7"]})
    taken, begin = [], threading.Barrier(8)

    def take():
        begin.wait()
        taken.append(Jobs(jobs._path).claim(job.id))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]
    assert jobs.get(job.id).state == "running" and jobs.get(job.id).tries == 1


def test_life_of_a_job(jobs):
    job = jobs.add("train", "train demo", "demo", {"args": ["train", "demo"]})
    assert (job.state, job.payload, job.started) == ("queued", {"args": ["train", "demo"]}, None)
    assert jobs.about("demo") == [job] and jobs.about("other") == []
    assert jobs.claim(job.id) and not jobs.claim(job.id)
    jobs.progress(job.id, 3, 9, "going")
    assert (jobs.get(job.id).done, jobs.get(job.id).total, jobs.get(job.id).message) == (3, 9, "going")
    jobs.ask(job.id, "stop")
    assert jobs.get(job.id).asked == "stop" and jobs.get(job.id).state == "running"
    jobs.end(job.id, "interrupted", "paused")
    assert jobs.get(job.id).ended is not None and jobs.about("demo") == []
    jobs.progress(job.id, 4, 9)  # a late word of the worker changes nothing any more
    assert jobs.get(job.id).done == 3
    assert jobs.again(job.id) and not jobs.again(job.id)
    assert jobs.claim(job.id)
    assert (jobs.get(job.id).tries, jobs.get(job.id).asked, jobs.get(job.id).done) == (2, "", 0)


def test_what_waits_is_cancelled_at_once_and_never_taken(jobs):
    job = jobs.add("train", "t", "demo", {})
    jobs.ask(job.id, "stop")
    assert jobs.get(job.id).state == "cancelled" and not jobs.claim(job.id)


def test_what_stood_as_running_was_interrupted(jobs):
    one, two = (jobs.add("train", "t", name, {}) for name in ("a", "b"))
    jobs.claim(one.id)
    jobs.interrupt()
    assert [jobs.get(job.id).state for job in (one, two)] == ["interrupted", "queued"]


def test_open_jobs_are_not_forgotten(jobs):
    job = jobs.add("train", "t", "a", {})
    jobs.forget(job.id)
    assert jobs.get(job.id) == job
    jobs.ask(job.id, "stop")
    jobs.forget(job.id)
    with pytest.raises(LookupError, match="no job"):
        jobs.get(job.id)


def test_a_full_queue_says_so(jobs, monkeypatch):
    monkeypatch.setattr(jobs_module, "LONGEST_QUEUE", 3)
    for _ in range(3):
        jobs.add("train", "t", "a", {})
    with pytest.raises(QueueFull, match="3 jobs are waiting"):
        jobs.add("train", "t", "a", {})
    jobs.claim(jobs.queued()[0].id)
    jobs.add("train", "t", "a", {})


def test_the_version_tells_of_changes_by_others(jobs):
    version = jobs.version()
    before = next(version)
    assert next(version) == before
    jobs.add("train", "t", "a", {})
    assert next(version) != before


def test_every_kind_has_a_lane(workspace):
    queue = Queue(workspace)
    for kind, lane in LANES.items():
        job = queue.submit(kind, kind, "", {})
        assert job.id in queue.lanes[lane].waiting()


def test_what_a_kill_left_out_of_the_lanes_is_put_back_once(workspace):
    queue = Queue(workspace)
    job = queue.jobs.add("train", "t", "a", {})  # killed between table and lane
    put = queue.submit("generate", "v", "", {})
    for _ in range(2):
        queue.mend()
    lanes = {name: list(lane.huey.pending()) for name, lane in queue.lanes.items()}
    assert [task.args for task in lanes["long"]] == [(job.id,)]
    assert [task.args for task in lanes["short"]] == [(put.id,)]
