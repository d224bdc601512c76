"""One tiny trained run for all tests of the command line, and a way to call it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mutoscope.cli.main import main


class Said(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of `mutoscope train smoke`, shortened."""
    out = tmp_path_factory.mktemp("runs") / "smoke"
    assert main(["train", "smoke", "--out", str(out), *SHORT]) == 0
    return out


SHORT = ["--vae-training.steps", "6", "--training.steps", "6", "--sample-every", "6", "--cached-clips", "16"]
# "auto" measures, and may choose differently in two runs whose weights are compared here.
SHORT += ["--vae-training.precision", "float32", "--training.precision", "float32"]


@pytest.fixture
def short() -> list[str]:
    """Options of the run above, so that others can be compared with it."""
    return list(SHORT)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """Run a command line in this process."""

    def run(*args: object) -> Said:
        capfd.readouterr()
        code = main([str(arg) for arg in args])
        return Said(code, *capfd.readouterr())

    yield run


@pytest.fixture
def fails(call: Callable[..., Said]) -> Callable[..., str]:
    """Run a command line that must fail: code 2, nothing on stdout, one line on stderr, which is returned."""

    def run(*args: object) -> str:
        said = call(*args)
        lines = [line for line in said.err.splitlines() if line.startswith("mutoscope: ")]
        assert said.code == 2 and said.out == "" and len(lines) == 1, said
        assert said.err.rstrip().endswith(lines[0]) and "Traceback" not in said.err
        return lines[0].removeprefix("mutoscope: ")

    return run
