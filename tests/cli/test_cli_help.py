"""docs/cli.txt is the real help. Run this file to write it again."""

import contextlib
import io
import os
import re
from pathlib import Path

from mutoscope.cli import data, learn
from mutoscope.cli.main import VERBS, main

DOC = Path(__file__).parents[2] / "docs" / "cli.txt"
REGENERATE = "PYTHONPATH=src python tests/cli/test_cli_help.py"


def real_help() -> str:
    """The help of everything, as a terminal of 100 columns shows it."""
    before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1"}
    os.environ.pop("FORCE_COLOR", None)
    try:
        calls = [["--help"], ["train", "--help"], ["train", "smoke", "--help"]]
        calls += [[verb, "--help"] for verb in VERBS if verb != "train"]
        calls += [["data", action, "--help"] for action in data.ACTIONS]
        calls += [["learn", action, "--help"] for action in learn.ACTIONS]
        calls += [["runs", "clean", "--help"]]
        return "\n".join(f"$ mutoscope {' '.join(args)}\n{_help(args)}" for args in calls)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _help(args: list[str]) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main(args)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in said.getvalue().splitlines()]
    return "\n".join(lines) + "\n"


def words(text: str) -> str:
    """The text without boxes and line breaks: those are another library's taste."""
    return re.sub(r"[\s╭╮╰╯│─|+]+|--+(?=\s)", " ", text)


def test_the_documented_help_is_the_real_one():
    assert DOC.is_file(), f"{DOC} is missing. Write it: {REGENERATE}"
    assert words(DOC.read_text(encoding="utf-8")) == words(real_help()), (
        f"the help changed. Write it again: {REGENERATE}"
    )


def test_every_option_is_explained():
    for block in re.split(r"\n(?=.{0,4}--[a-z])", real_help()):
        assert "None" != block.strip()
    assert real_help().count("$ mutoscope ") == len(VERBS) + len(data.ACTIONS) + len(learn.ACTIONS) + 3


if __name__ == "__main__":
    DOC.parent.mkdir(exist_ok=True)
    DOC.write_text(real_help(), encoding="utf-8")
