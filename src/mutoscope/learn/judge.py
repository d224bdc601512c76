"""Whether a solution is right, and if not, which mistake it is.

A solution answers the cases of its exercise. Where an answer differs, the wrong ones that people write, `SUSPECTS`, are
asked the same: the first that gives the same wrong numbers names the mistake. Where none does, the difference
itself is described: a factor, an offset, an order of axes, a shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from traceback import extract_tb
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ..memory import is_out_of_memory
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
        return not isinstance(self.got, Exception) and _same(self.got, self.right)


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
        works = next(one for one in tried if not isinstance(one.got, Exception))
        return _raised(failed.got, failed.case, file, f"It answers {works.case.what}, but not {failed.case.what}. ")
    wrong = next(one for one in tried if not one.agrees)
    assert not isinstance(wrong.got, Exception)
    return Finding(False, "not right yet", f"For {wrong.case.what}: {_difference(exercise, wrong.got, wrong.right)}")


def _last_questions(exercise: ModuleType, solution: Solution, tried: list[_Tried]) -> Finding:
    changed = next((one for one in tried if one.changed), None)
    if changed is not None:
        hint = "The result is right, but an argument is changed in place (+=, [...] = or a method that ends in _)."
        return Finding(False, "not right yet", hint)
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
    found = _tuple(out)
    if len(found) != count:
        raise _WrongKind(
            f"it returns {len(found)} things where {'one tensor is' if count == 1 else f'{count} are'} asked for."
        )
    for one in found:
        if not isinstance(one, Tensor):
            raise _WrongKind(
                f"it returns {type(one).__module__}.{type(one).__name__} where a torch.Tensor is asked for."
            )
    return found


def _same(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> bool:
    return all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-5, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


def _is(suspect: Solution, tried: list[_Tried]) -> bool:
    """Whether a wrong solution answers as the learner's did, wherever that answered."""
    for one in tried:
        if isinstance(one.got, Exception):
            continue
        try:
            if not _same(_tuple(suspect(*one.case.args)), one.got):
                return False
        except Exception:
            return False
    return True


def _raised(error: Exception, case: Case, file: str, before: str = "") -> Finding:
    if isinstance(error, _WrongKind):
        return Finding(False, "not right yet", f"{before}For {case.what}: {error}")
    return Finding(False, "it fails", f"{before}For {case.what}: {failure(error, file)}")


def failure(error: BaseException, file: str) -> str:
    """What went wrong and in which line of the learner's file, the deepest one."""
    if isinstance(error, MemoryError) or is_out_of_memory(error):
        said = "It asks for more memory than an exercise may have. Is a shape much larger than meant?"
    else:
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    lines = [place for place in extract_tb(error.__traceback__) if place.filename == file]
    return f"{said}\nline {lines[-1].lineno}: {lines[-1].line}" if lines else said


def _difference(exercise: ModuleType, got: tuple[Tensor, ...], right: tuple[Tensor, ...]) -> str:
    number = next(k for k in range(len(right)) if not _same((got[k],), (right[k],)))
    a, b, axes = got[number], right[number], exercise.OUTPUTS[number]
    which = "" if len(right) == 1 else f"result {number + 1}: "
    if a.shape != b.shape:
        return f"{which}its shape is {tuple(a.shape)} where ({axes}) = {tuple(b.shape)} is asked for.{_moved(a, b)}"
    if not a.isfinite().all():
        return f"{which}it holds NaN or infinite numbers."
    return which + _in_numbers(a.double(), b.double())


def _moved(a: Tensor, b: Tensor) -> str:
    """Whether axes are in another order; shapes may differ."""
    for order in permutations(range(b.ndim)) if a.ndim == b.ndim <= 5 else ():
        if b.permute(order).shape == a.shape and list(order) != sorted(order) and _same((a,), (b.permute(order),)):
            return (
                f" The numbers are right, but the axes are in the order {order} of the right ones: permute them back."
            )
    return ""


def _in_numbers(a: Tensor, b: Tensor) -> str:
    factor = float((a * b).sum() / b.square().sum().clamp(min=1e-12))
    if abs(factor) > 1e-6 and _same((a,), (factor * b,)):
        return f"every number is {factor:.4g} times the right one."
    offset = float((a - b).mean())
    if _same((a,), (b + offset,)):
        return f"every number is {abs(offset):.4g} too {'large' if offset > 0 else 'small'}."
    if moved := _moved(a, b):
        return moved.strip()
    if _same((a.flatten().sort().values,), (b.flatten().sort().values,)):
        return (
            "all the right numbers are there, but not in their places: some axes were cut or joined in another order."
        )
    near = float(((a - b).abs() < 1e-4 + 1e-3 * b.abs()).double().mean())
    worst = int((a - b).abs().argmax())
    place = tuple(int(k) for k in torch.unravel_index(torch.tensor(worst), b.shape))
    return f"{near:.0%} of the numbers are right. At {place} it gives {a[place]:.4f} where {b[place]:.4f} is right."
