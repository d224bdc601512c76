"""Whether a solution is right, and if not, which mistake it is.

A solution answers the cases of its exercise. Where an answer differs, the wrong ones that people write, `SUSPECTS`, are
asked the same: the first that gives the same wrong numbers names the mistake. Where none does, the difference
itself is described, in `difference`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from linecache import getline
from traceback import walk_tb
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ..memory import is_out_of_memory
from .difference import another_kind, difference, kind_of_numbers, same
from .exercise import Case

Solution = Callable[..., Any]


@dataclass(frozen=True)
class Finding:
    """What the judge says."""

    right: bool
    headline: str
    hint: str | None = None
    """What to look at."""


@dataclass(frozen=True)
class _Tried:
    case: Case
    right: tuple[Tensor, ...]
    got: tuple[Tensor, ...] | Exception
    """An exception, also where what came out are no tensors."""
    changed: bool
    """Whether the arguments are no longer what they were."""

    @property
    def agrees(self) -> bool:
        return not isinstance(self.got, Exception) and same(self.got, self.right)


LONGEST_LINE = 200


class _WrongKind(TypeError):
    """What came out are not the tensors that were asked for."""


def judge(exercise: ModuleType, solution: Solution, file: str = "") -> Finding:
    """Ask everything, and say what was found. exercise: a module of `exercises`; file: the learner's, for its lines."""
    tried = [_try(exercise, solution, case) for case in exercise.cases()]
    if all(one.agrees for one in tried):
        return _last_questions(exercise, solution, tried)
    if all(isinstance(one.got, Exception) for one in tried):
        assert isinstance(tried[0].got, Exception)
        return _raised(tried[0].got, tried[0].case, file)
    for suspect in exercise.SUSPECTS:
        if _is(suspect.solution, tried):
            return Finding(False, "not right yet", suspect.hint)
    failed = next((one for one in tried if isinstance(one.got, Exception)), None)
    if failed is not None and isinstance(failed.got, Exception):
        works = next((one for one in tried if one.agrees), None)
        before = f"It is right for {works.case.what}, but fails for {failed.case.what}. " if works else ""
        return _raised(failed.got, failed.case, file, before)
    wrong = next(one for one in tried if not one.agrees)
    assert not isinstance(wrong.got, Exception)
    told = _told_by_asking_again(exercise, solution, wrong, tried) or difference(
        exercise, wrong.case, wrong.got, wrong.right
    )
    return Finding(False, "not right yet", f"For {wrong.case.what}: {told}")


def _last_questions(exercise: ModuleType, solution: Solution, tried: list[_Tried]) -> Finding:
    """What is asked of right numbers."""
    for one in tried:
        assert not isinstance(one.got, Exception)
        if one.changed:
            hint = "The result is right, but an argument is changed in place (+=, [...] = or a method that ends in _)."
            return Finding(False, "not right yet", hint)
        if kind := another_kind(one.got, one.right):
            return Finding(False, "not right yet", f"The numbers are right, but {kind}")
    also = getattr(exercise, "also", None)
    complaint = also(solution) if also else None
    return Finding(False, "not right yet", complaint) if complaint else Finding(True, "right")


def _try(exercise: ModuleType, solution: Solution, case: Case) -> _Tried:
    right = _tuple(exercise.answer(*case.args))
    args = tuple(arg.clone() if isinstance(arg, Tensor) else arg for arg in case.args)
    try:
        got = _tensors(solution(*args), len(right))
    except Exception as error:
        return _Tried(case, right, error, False)
    pairs = zip(args, case.args, strict=True)
    changed = any(isinstance(b, Tensor) and not torch.equal(a, b) for a, b in pairs)
    return _Tried(case, right, got, changed)


def _tuple(out: Any) -> tuple[Any, ...]:
    return tuple(out) if isinstance(out, tuple | list) else (out,)


def _tensors(out: Any, count: int) -> tuple[Tensor, ...]:
    """What came out, as tensors. _WrongKind, in words, where it is something else."""
    if out is None:
        raise _WrongKind("it returns nothing: is a `return` missing?")
    if isinstance(out, Tensor) and count > 1:
        raise _WrongKind(f"it returns one tensor where {count} are asked for: `return first, second`.")
    asked = "one tensor is" if count == 1 else f"{count} tensors are"
    if not isinstance(out, Tensor | tuple | list):
        raise _WrongKind(f"it returns a {_kind_of(out)} where {asked} asked for.")
    found = _tuple(out)
    if len(found) != count:
        together = " torch.stack and torch.cat make one of many." if count == 1 and len(found) > 1 else ""
        raise _WrongKind(f"it returns a {_kind_of(out)} of {len(found)} where {asked} asked for.{together}")
    for one in found:
        if not isinstance(one, Tensor):
            raise _WrongKind(f"it returns a {_kind_of(one)} where a torch.Tensor is asked for.")
        if one.layout != torch.strided or one.device.type != "cpu" or one.is_complex():
            told = f"{kind_of_numbers(one)} tensor of layout {one.layout} on {one.device}"
            raise _WrongKind(f"it returns a {told}: an ordinary one is asked for.")
    return tuple(one.detach() for one in found)


def _kind_of(one: Any) -> str:
    kind = type(one)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _is(suspect: Solution, tried: list[_Tried]) -> bool:
    """Whether a wrong solution answers as the learner's did wherever that answered, a wrong number among it."""
    explained = False
    for one in tried:
        if isinstance(one.got, Exception):
            continue
        try:
            if not same(_tuple(suspect(*one.case.args)), one.got):
                return False
        except Exception:
            return False
        explained = explained or not one.agrees
    return explained


def _raised(error: Exception, case: Case, file: str, before: str = "") -> Finding:
    if isinstance(error, _WrongKind):
        return Finding(False, "not right yet", f"{before}For {case.what}: {error}")
    return Finding(False, "it fails", f"{before}For {case.what}: {failure(error, file)}")


def failure(error: BaseException, file: str) -> str:
    """What went wrong and in which line of the learner's file, the deepest one."""
    words = _words_of(error)
    if isinstance(error, MemoryError) or (words is not None and is_out_of_memory(error)):
        said = "It asks for more memory than an exercise may have. Is a shape much larger than meant?"
    else:
        said = f"{type(error).__name__}: {'an error that cannot be told in words' if words is None else words}"
    if isinstance(error, NameError | ImportError):
        said += ". The file is run by itself: everything that it uses has to be in it, or imported from a package."
    return said + where(error, file)


def _words_of(error: BaseException) -> str | None:
    """What it says; None where the learner's own exception fails at that, too."""
    try:
        return " ".join(str(error).split())[:300]
    except Exception:
        return None


def where(error: BaseException, file: str) -> str:
    """The deepest line of the learner's file on the way to an error, on a line of its own; nothing where there is none.

    Walked rather than extracted: a recursion has millions of places.
    """
    lines = [number for frame, number in walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return f"\nline {lines[-1]}: {getline(file, lines[-1]).strip()[:LONGEST_LINE]}" if lines else ""


def _unused(exercise: ModuleType, solution: Solution, tried: list[_Tried]) -> str:
    """The first tensor with axes among the arguments that changes no result; empty where there is none."""
    answered = [(one.case, one.got) for one in tried if not isinstance(one.got, Exception)]
    finite = [(case, got) for case, got in answered if all(x.isfinite().all() for x in got)]

    def changes_nothing(number: int, case: Case, before: tuple[Tensor, ...]) -> bool:
        arg = case.args[number]
        args = (*case.args[:number], 0.9 * arg + 0.1 * arg.square(), *case.args[number + 1 :])
        after = _try(exercise, solution, Case(case.what, args)).got
        return not isinstance(after, Exception) and same(after, before)

    for number, name in enumerate(signature(exercise.answer).parameters):
        asked = [(case, got) for case, got in finite if _has_axes(case.args[number])]
        if asked and all(changes_nothing(number, case, got) for case, got in asked):
            return name
    return ""


def _has_axes(arg: Any) -> bool:
    return isinstance(arg, Tensor) and arg.ndim > 0 and arg.is_floating_point()


def _told_by_asking_again(exercise: ModuleType, solution: Solution, wrong: _Tried, tried: list[_Tried]) -> str:
    """Whether the same arguments give other numbers the second time, or a clip by itself other ones than in a batch."""
    assert not isinstance(wrong.got, Exception)
    again = _try(exercise, solution, wrong.case).got
    if isinstance(again, Exception) or not same(again, wrong.got):
        return (
            "asked the same twice, it gives different numbers: it draws some of its own, or keeps some from call to "
            "call. Use only what is given."
        )
    if unused := _unused(exercise, solution, tried):
        return f"{unused} is not used: the result is the same whatever it is."
    first = tuple(arg[:1] if isinstance(arg, Tensor) and arg.ndim else arg for arg in wrong.case.args)
    alone = _try(exercise, solution, Case(wrong.case.what, first)).got
    if isinstance(alone, Exception) or wrong.got[0].shape != wrong.right[0].shape:
        return ""
    if alone[0].ndim and not same((alone[0],), (wrong.got[0][: len(alone[0])],)):
        return "the clips of a batch are mixed: the first one by itself gives other numbers than among others."
    return ""
