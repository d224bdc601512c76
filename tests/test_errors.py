"""Errors as one line."""

import errno

import pytest
from pydantic import ValidationError

from mutoscope.errors import is_users, one_line, suggestion
from mutoscope.training.config import RunConfig


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"training": {"steps": -3}}, "training.steps: got -3, must be at least 1"),
        ({"training": {"lr": 0}}, "training.lr: got 0, must be more than 0"),
        ({"training": {"stepz": 3}}, "unknown key 'training.stepz'."),
        ({"vae": {"temporal_stride": 3}}, "vae.temporal_stride: got 3, must be one of 1, 2 or 4"),
        ({"seed": "x" * 100}, "seed: got '" + "x" * 59 + "…, input should be a valid integer"),
        ({"seed": -1, "cached_clips": 0}, "cached_clips: got 0, must be at least 1 (and 1 more)"),
    ],
)
def test_pydantic_in_one_line(values, line):
    with pytest.raises(ValidationError) as error:
        RunConfig.model_validate(values)
    assert one_line(error.value).startswith(line)
    assert "\n" not in one_line(error.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), "runs/a: the disk is full. Free some space"),
        (OSError("runs/a/w cannot be written: No space left on device"), "runs/a/w: the disk is full."),
        (PermissionError(errno.EACCES, "Permission denied", "/root"), "/root: permission denied. Choose a folder"),
        (OSError(errno.EROFS, "Read-only file system", "/mnt"), "/mnt: permission denied."),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a"), "a: a file is in the way"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), "a: No such file or directory"),
        (ValueError("two\nlines"), "two lines"),
        (ValueError(), "ValueError"),
        (MemoryError(), "there is not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "there is not enough memory"),
        (ImportError("pip install av", name="av"), "pip install av"),
    ],
)
def test_what_users_can_mend(error, words):
    assert is_users(error) and one_line(error).startswith(words)


@pytest.mark.parametrize(
    "error", [KeyError("a"), RuntimeError("shape"), ImportError("x", name="mutoscope.x"), TypeError()]
)
def test_bugs_are_not_users_errors(error):
    assert not is_users(error)


def test_suggestions():
    assert suggestion("digts", ["digits", "disc"]) == " Did you mean 'digits'?"
    assert suggestion("zzz", ["digits", "disc"]) == ""
