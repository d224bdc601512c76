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
from ..errors import invalid, suggestion

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
    ordered = list(args)
    if not {"-h", "--help"} & set(args):
        named, rest = _arrange(args, options_of(kind), prog)
        _check_positionals(kind, rest, prog)
        ordered = [*named, "--", *rest] if rest else named
    wrong = io.StringIO()
    try:
        with contextlib.redirect_stderr(wrong):
            if default is None:
                return tyro.cli(kind, args=ordered, prog=prog, description=description)
            return tyro.cli(kind, args=ordered, prog=prog, description=description, default=default)
    except SystemExit as leaving:
        if not leaving.code:
            raise
        raise ValueError(_in_one_line(leaving, wrong.getvalue(), prog)) from leaving


def options_of(kind: type[Config], prefix: str = "") -> dict[str, Option]:
    """All options of a configuration, by name: `--training.steps`, `--vae.no-memory`, …"""
    found: dict[str, Option] = {}
    for name, field in kind.model_fields.items():
        if _marked(field, "Positional"):
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
            found[f"--{prefix}{name}"] = Option(_num_values(plain), _choices(plain))
    return found


def _marked(field: FieldInfo, marker: str) -> bool:
    return any(repr(meta) == marker for meta in field.metadata)


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


def _num_values(annotation: Any) -> int | None:
    if get_origin(annotation) is not tuple:
        return 1
    inner = get_args(annotation)
    return None if Ellipsis in inner else len(inner)


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)
        return _choices(_plain(inner[0])) if inner else ()
    return tuple(str(value) for value in get_args(annotation)) if get_origin(annotation) is Literal else ()


def _arrange(args: Sequence[str], options: dict[str, Option], prog: str) -> tuple[list[str], list[str]]:
    """Options with their values, and the rest; ValueError for names and choices that do not exist."""
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
            hint = _by_leaf(name, options) or suggestion(name, options, count=2)
            raise ValueError(f"unknown option {name!r}.{hint} All of them: {prog} --help")
        count = options[name].num_values
        values = [value] if equals else _take(waiting, count)
        if count and len(values) < count:
            raise ValueError(f"{name} needs {'a value' if count == 1 else f'{count} values'}. See: {prog} --help")
        _check_choices(name, values, options[name].choices)
        named += [name, *values]
    return named, rest


def _check_positionals(kind: type[Config], rest: list[str], prog: str) -> None:
    fields = {name.upper(): field for name, field in kind.model_fields.items() if _marked(field, "Positional")}
    needed = [name for name, field in fields.items() if field.is_required()]
    if len(rest) < len(needed):
        raise ValueError(f"{needed[len(rest)]} is missing. Type: {prog} {' '.join(needed)}")
    several = any(get_origin(_plain(field.annotation)) is tuple for field in fields.values())
    if len(rest) > len(fields) and not several:
        raise ValueError(f"{rest[len(fields)]!r} is one word too many. See: {prog} --help")


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
    lines = [line.strip("|│ ") for line in box.splitlines()[1:]]  # ASCII borders where the output knows no others
    text = " ".join(line for line in lines if line.strip("-+─╰╯"))
    head = re.split(r"For full helptext|Argument helptext", " ".join(text.split()))[0].strip()
    cause: BaseException | None = leaving.__context__
    while cause is not None and not isinstance(cause, ValidationError):
        cause = cause.__context__
    if isinstance(cause, ValidationError):
        section = re.search(r"Error parsing ([a-z][\w.-]*):", head)
        return invalid(cause, f"{section[1].replace('-', '_')}." if section else "")
    head = re.sub(r"invalid literal for int\(\) with base 10: (.*)", r"got \1, must be a whole number", head)
    head = re.sub(r"could not convert string to float: (.*)", r"got \1, must be a number", head)
    return f"{head.removeprefix('Error parsing ').rstrip('.')}. See: {prog} --help"


def wants_help(args: Sequence[str]) -> bool:
    """Whether the first word asks for help."""
    return bool(args) and args[0] in ("-h", "--help")


def say(text: str) -> None:
    """A note for people, which scripts that read stdout do not see."""
    print(text, file=sys.stderr)
