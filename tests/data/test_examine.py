import io
import sys
import textwrap
import time

import pytest
from small_clips import moving, mp4

from mutoscope.data import examine
from mutoscope.data.examine import TICKS_PER_SIGN, Trouble, _answer, probe_files, scenes_of_files
from mutoscope.video.probe import probe
from mutoscope.video.scenes import find_scenes
from mutoscope.video.write import write_video

LIMITS = {"scene_threshold": 10.0, "black_level": 16.0, "frozen_level": 1.0, "frozen_s": 1.0}


def test_children_answer_as_this_process_would(tmp_path):
    paths = [write_video(tmp_path / f"{number}.mp4", moving(3 + number), 10) for number in range(5)]
    assert list(probe_files(paths)) == [probe(path) for path in paths]
    assert list(scenes_of_files(paths, LIMITS)) == [find_scenes(path, **LIMITS) for path in paths]
    assert list(probe_files([])) == []


@pytest.fixture
def fragile(monkeypatch):
    """Children whose decoder waits for ever, or brings the process down, for files of that name."""
    code = """
        import os, signal, time
        from mutoscope.data import examine
        from mutoscope.video import probe
        real = probe.probe
        fates = {"hangs": lambda: time.sleep(900), "exits": lambda: os._exit(3),
                 "faults": lambda: os.kill(os.getpid(), signal.SIGSEGV)}
        probe.probe = lambda path, tick: (fates.get(path.stem, int)(), real(path, tick))[1]
        examine.main()
    """
    monkeypatch.setattr(examine, "CHILD", (sys.executable, "-c", textwrap.dedent(code)))


def test_files_that_hang_or_crash_are_told_and_the_others_are_read(tmp_path, fragile):
    names = ["hangs", "good", "exits", "faults", "other", "hangs", "last"]
    for name in names:
        (tmp_path / f"{name}.mp4").write_bytes(mp4(4))
    answers = list(probe_files([tmp_path / f"{name}.mp4" for name in names], limit_s=2.0))
    told = [answer.reason if isinstance(answer, Trouble) else answer.num_frames for answer in answers]
    assert told == ["took too long", 4, "crashed the decoder", "crashed the decoder", 4, "took too long", 4]
    assert "2 s" in answers[0].words and "exit code 3" in answers[2].words and "SIGSEGV" in answers[3].words


def test_who_stops_early_does_not_wait(tmp_path, fragile):
    for name in ("good", "hangs"):
        (tmp_path / f"{name}.mp4").write_bytes(mp4(4))
    answers = probe_files([tmp_path / "good.mp4", *[tmp_path / "hangs.mp4"] * 20], limit_s=900.0)
    next(answers)
    started = time.monotonic()
    answers.close()
    assert time.monotonic() - started < 60


def test_long_files_give_signs_of_life(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving(2, 16, 16).repeat(TICKS_PER_SIGN, 0), 50)
    said = io.StringIO()
    assert _answer({"path": str(path)}, said)["num_frames"] == 2 * TICKS_PER_SIGN
    assert said.getvalue() == "{}\n" * 2
