"""Command lines to typed options, by tyro; what tyro would say in a box is said in one line."""

import contextlib
import io
import re
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import tyro
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ..config import Config
from .errors import invalid, suggestion

C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Option:
    """One `--option`: how many values it takes (0 = a flag, None = several) and which (empty = any)."""

    num_values: int | None
    choices: tuple[str, ...] = ()


def parse(kind: type[C], args: Sequence[str], prog: str, description: str, default: C | None = None) -> C:
    """Options of `kind` from the command line, on top of `default`; ValueError, in one line, for anything wrong.

    Prompts, files and options may come in any order. `--help` prints and leaves with code 0.
    """
    options = options_of(kind)
    ordered = list(args) if {"-h", "--help"} & set(args) else _arrange(args, options, prog)
    wrong = io.StringIO()
    extra = {} if default is None else {"default": default}
    try:
        with contextlib.redirect_stderr(wrong):
            return tyro.cli(kind, args=ordered, prog=prog, description=description, **extra)
    except SystemExit as leaving:
        if not leaving.code:
            raise
        raise ValueError(_in_one_line(leaving, wrong.getvalue(), prog)) from leaving


def options_of(kind: type[Config], prefix: str = "") -> dict[str, Option]:
    """All options of a configuration, by name: `--training.steps`, `--vae.no-memory`, …"""
    found: dict[str, Option] = {}
    for name, field in kind.model_fields.items():
        if tyro.conf.Positional in field.metadata or _marked(field, "Positional"):
            continue
        name = next((meta.name for meta in field.metadata if getattr(meta, "name", None)), name).replace("_", "-")
        plain = _plain(field.annotation)
        if isinstance(plain, type) and issubclass(plain, Config):
            found |= options_of(plain, f"{prefix}{name}.")
        elif plain is bool:
            found[f"--{prefix}{name}"] = Option(0)
            if not _marked(field, "FlagCreatePairsOff"):
                found[f"--{prefix}no-{name}"] = Option(0)
        else:
            several = get_origin(plain) is tuple
            found[f"--{prefix}{name}"] = Option(None if several else 1, _choices(plain))
    return found


def _marked(field: FieldInfo, marker: str) -> bool:
    return any(marker in repr(meta) for meta in field.metadata)


def _plain(annotation: Any) -> Any:
    """The annotation without Annotated and without `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            inner = [part for part in get_args(annotation) if part is not type(None)]
            if len(inner) != 1:
                return annotation
            annotation = inner[0]
        else:
            return annotation


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)
        return _choices(_plain(inner[0])) if inner else ()
    return tuple(str(value) for value in get_args(annotation)) if get_origin(annotation) is Literal else ()


def _arrange(args: Sequence[str], options: dict[str, Option], prog: str) -> list[str]:
    """Options first, then `--` and the rest; ValueError for names and choices that do not exist."""
    named: list[str] = []
    rest: list[str] = []
    waiting = list(args)
    while waiting:
        token = waiting.pop(0)
        if token == "--":
            rest += waiting
            break
        if not token.startswith("--"):
            rest.append(token)
            continue
        name, equals, value = token.partition("=")
        name = name.replace("_", "-")
        if name not in options:
            hint = suggestion(name, options, count=2) or _by_leaf(name, options)
            raise ValueError(f"unknown option {name!r}.{hint} All of them: {prog} --help")
        values = [value] if equals else _take(waiting, options[name].num_values)
        _check_choices(name, values, options[name].choices)
        named += [name, *values]
    return [*named, "--", *rest] if rest else named


def _take(waiting: list[str], count: int | None) -> list[str]:
    taken: list[str] = []
    while waiting and not waiting[0].startswith("--") and (count is None or len(taken) < count):
        taken.append(waiting.pop(0))
    return taken


def _by_leaf(name: str, options: dict[str, Option]) -> str:
    """A name typed without its section: `--steps` in `train` is `--training.steps`."""
    leaf = name.lstrip("-").rpartition(".")[2]
    same = [option for option in options if option.rpartition(".")[2] == leaf]
    return f" Did you mean {' or '.join(repr(option) for option in same)}?" if same else ""


def _check_choices(name: str, values: list[str], choices: tuple[str, ...]) -> None:
    for value in values if choices else ():
        if value not in choices and value != "None":
            word = name.lstrip("-").rpartition(".")[2]
            hint = suggestion(value, choices)
            raise ValueError(f"unknown {word} {value!r}.{hint} {name} takes: {', '.join(choices)}.")


def _in_one_line(leaving: SystemExit, box: str, prog: str) -> str:
    """What tyro printed in its box, or pydantic's complaint behind it."""
    text = " ".join(line.strip("╭╮╰╯│─ ") for line in box.splitlines()[1:])
    head = re.split(r"For full helptext|Argument helptext", " ".join(text.split()))[0].strip()
    cause: BaseException | None = leaving.__context__
    while cause is not None and not isinstance(cause, ValidationError):
        cause = cause.__context__
    if isinstance(cause, ValidationError):
        section = re.match(r"Error parsing ([a-z][\w.-]*):", head)
        return invalid(cause, f"{section[1].replace('-', '_')}." if section else "")
    head = head.removeprefix("Error parsing ").replace("Unrecognized options:", "unknown:")
    if head.startswith("Missing from"):
        head = f"something is missing: {head.partition(':')[2].strip()}"
    return f"{head.rstrip('.')}. See: {prog} --help"


def wants_help(args: Sequence[str]) -> bool:
    """Whether the first word asks for help."""
    return bool(args) and args[0] in ("-h", "--help")


def say(text: str) -> None:
    """A note for people, which scripts that read stdout do not see."""
    print(text, file=sys.stderr)
