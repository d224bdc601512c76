"""Every error that a user can cause, as one line that says what was got and what to type."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from .memory import OutOfMemory, is_out_of_memory

INTERRUPTED = 130
"""Exit code of a command that was stopped and had nothing to save."""

_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


def is_users(error: Exception) -> bool:
    """Whether an error is something a user can mend (one line), rather than a bug (a traceback)."""
    if isinstance(error, ImportError):  # a package that is not installed; one of our own files would be a bug
        return not (error.name or "").startswith("mutoscope")
    return isinstance(error, ValueError | OSError) or is_out_of_memory(error) or _is_safetensors(error)


def one_line(error: Exception) -> str:
    """What to print about an error."""
    if isinstance(error, ValidationError):
        return invalid(error)
    if isinstance(error, OutOfMemory):  # it says what helps, a line each
        return str(error)
    if is_out_of_memory(error):
        return "there is not enough memory for this. Ask for fewer frames, fewer prompts or a smaller batch_size."
    if isinstance(error, OSError):
        return _system(error)
    if _is_safetensors(error) and "No space left" in str(error):
        return _system(OSError(errno.ENOSPC, str(error)))
    return " ".join(str(error).split()) or type(error).__name__


def suggestion(word: str, known: Iterable[str], count: int = 1) -> str:
    """` Did you mean 'x'?`, or nothing where no name is near."""
    near = get_close_matches(word, list(known), n=count, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""


def invalid(error: ValidationError, prefix: str = "", known: Iterable[str] = ()) -> str:
    """The first complaint of pydantic: `training.steps: got -3, must be at least 1`.

    prefix: where the failing part sits, such as `training.`; known: names to suggest for an unknown key.
    """
    first = error.errors(include_url=False)[0]
    # A part in brackets is the tag of a union: which kind was meant, nothing that anybody types.
    where = prefix + ".".join(str(part) for part in first["loc"] if not str(part).startswith("("))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return _complaint(dict(first), where, known) + more


def complaints(error: ValidationError) -> dict[str, str]:
    """Every complaint of pydantic by field: {"training.steps": "got -3, must be at least 1"}; "" = about all of it."""
    found: dict[str, str] = {}
    for one in error.errors(include_url=False):
        where = ".".join(str(part) for part in one["loc"] if not str(part).startswith("("))
        found.setdefault(where, _complaint(dict(one), where, ()).removeprefix(f"{where}: "))
    return found


def _complaint(first: dict[str, Any], where: str, known: Iterable[str]) -> str:
    kind, got = first["type"], first["input"]
    if kind == "value_error":  # our own words, complete
        return first["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"unknown key {where!r}.{suggestion(where, known)}"
    if kind == "missing":
        return f"{where} is missing"
    shown = repr(got) if len(repr(got)) <= 60 else repr(got)[:60] + "…"
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"{where}: got {shown}, must be {words} {first['ctx'][name]}"
    if kind == "literal_error":
        return f"{where}: got {shown}, must be one of {first['ctx']['expected']}"
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"{where}: got {shown}, {message}" if where else message


def _system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        where = where or str(error).split(" cannot be written")[0] + ": "
        return f"{where}the disk is full. Free some space and type the same command again."
    if error.errno in _NO_PERMISSION:
        return f"{where}permission denied. Choose a folder of your own with --out, or change its permissions."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{where}a file is in the way of a folder. Choose another --out."
    return where + " ".join((error.strerror or str(error)).split())


def _is_safetensors(error: Exception) -> bool:
    """The library's one exception for damaged files and full disks is neither ValueError nor OSError."""
    return type(error).__name__ == "SafetensorError"
