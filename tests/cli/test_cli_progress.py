"""Progress: rate, time left, and lines where there is no terminal."""

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mutoscope.cli import progress as module
from mutoscope.cli.progress import Progress, Rate, RunLog


class Clock:
    """time.monotonic for tests."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def strftime(self, pattern: str) -> str:
        return "then"


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(module, "time", clock := Clock())
    return clock


def plain() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=200), file


@given(st.floats(0.01, 1e3), st.integers(2, 200))
def test_rate_of_even_steps_is_exact(rate, count):
    measured = Rate()
    values = [measured.update(step / rate, step) for step in range(count)]
    assert values[0] is None
    assert values[-1] == pytest.approx(rate, rel=1e-6)


def test_rate_is_that_of_the_last_seconds():
    measured = Rate()
    for second in range(100):
        measured.update(float(second), 10 * second)
    for second in range(100, 200):
        rate = measured.update(float(second), 1000 + (second - 100))
    assert rate == pytest.approx(1.0)


def test_a_resumed_run_does_not_count_old_steps():
    measured = Rate()
    measured.update(0.0, 5000)
    assert measured.update(1.0, 5002) == pytest.approx(2.0)


def test_a_line_every_ten_seconds_and_at_both_ends(clock, tmp_path):
    console, file = plain()
    with Progress(RunLog(tmp_path / "log.txt"), console) as progress:
        for step in range(1, 31):
            progress.update("diffusion", step, 30, loss=1 / step)
            clock.now += 1
    lines = file.getvalue().splitlines()
    assert lines[0] == "diffusion 1/30, loss 1"
    assert lines[1] == "diffusion 11/30, 1 steps/s, 19 s left, loss 0.09091"
    assert lines[-1] == "diffusion 30/30, 1 steps/s, loss 0.03333"
    assert len(lines) == 4
    assert (tmp_path / "log.txt").read_text().splitlines() == [f"then  {line}" for line in lines]


def test_no_loss_no_word_about_it(clock):
    console, file = plain()
    with Progress(console=console) as progress:
        progress.update("encode", 32, 64, math.nan)
    assert file.getvalue() == "encoding clips 32/64\n"


def test_a_terminal_shows_bars_and_the_log_the_lines(clock, tmp_path):
    file = io.StringIO()
    with Progress(RunLog(tmp_path / "log.txt"), Console(file=file, force_terminal=True, width=120)) as progress:
        progress.update("vae", 1, 2, 0.5)
        clock.now += 1
        progress.update("vae", 2, 2, 0.25)
        progress.note("samples: [here]")
    shown = file.getvalue()
    assert "VAE" in shown and "2/2" in shown and "loss 0.25" in shown and "samples: [here]" in shown
    assert "VAE 2/2, 1 steps/s, loss 0.25" in (tmp_path / "log.txt").read_text()


def test_a_log_that_cannot_be_written_hides_nothing(tmp_path):
    RunLog(tmp_path / "missing" / "log.txt").write("line")
    RunLog(tmp_path).write("a folder where the file should be")
    assert list(tmp_path.iterdir()) == []
