"""A wrong result in words: another shape, type or order of axes, a factor, an offset, what it is made of."""

from inspect import signature
from itertools import permutations
from math import isclose
from types import ModuleType

import torch
from torch import Tensor

from .exercise import Case
from .mixture import mistaken_amounts


def same(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> bool:
    """Whether shapes and numbers agree, to the precision of float32; NaN in the same places is the same."""
    return all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-5, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


def difference(exercise: ModuleType, case: Case, got: tuple[Tensor, ...], right: tuple[Tensor, ...]) -> str:
    """What to tell about a result that differs. case: what was asked; got, right: as many tensors each."""
    number = next(k for k in range(len(right)) if not same((got[k],), (right[k],)))
    a, b, axes = got[number], right[number], exercise.OUTPUTS[number]
    which = "" if len(right) == 1 else f"result {number + 1}: "
    if a.shape != b.shape:
        return f"{which}its shape is {tuple(a.shape)} where ({axes}) = {tuple(b.shape)} is asked for.{_moved(a, b)}"
    if a.dtype != b.dtype and (kind := another_kind((a,), (b,))):
        return which + kind
    if not a.isfinite().all():
        return f"{which}it holds NaN or infinite numbers: a root of something negative, a logarithm, a division by 0?"
    return which + (_amounts(exercise, case, number, a, b) or _in_numbers(exercise, case, a, b))


def _amounts(exercise: ModuleType, case: Case, number: int, a: Tensor, b: Tensor) -> str:
    """What the first result is made of, where the exercise says what it is a mix of."""
    if number or not hasattr(exercise, "terms") or _factor(a, b):
        return ""
    terms, scales = exercise.terms(*case.args)
    axis, part = getattr(exercise, "PART", (0, "clip"))
    return mistaken_amounts(terms, scales, a, b, axis, part)


def another_kind(got: tuple[Tensor, ...], right: tuple[Tensor, ...]) -> str:
    """In words, where the numbers of a result are of another type than those it was made from."""
    for a, b in zip(got, right, strict=True):
        if a.dtype != b.dtype:
            return f"they are {kind_of_numbers(a)} where {kind_of_numbers(b)} is asked for, like all that comes in."
    return ""


def kind_of_numbers(x: Tensor) -> str:
    """float32, int64, …"""
    return str(x.dtype).removeprefix("torch.")


def _moved(a: Tensor, b: Tensor) -> str:
    """Whether axes are in another order; shapes may differ."""
    for order in permutations(range(b.ndim)) if a.ndim == b.ndim <= 5 else ():
        if b.permute(order).shape == a.shape and list(order) != sorted(order) and same((a,), (b.permute(order),)):
            return (
                f" The numbers are right, but the axes are in the order {order} of the right ones: permute them back."
            )
    return ""


def _factor(a: Tensor, b: Tensor) -> float | None:
    """The number that every right one is multiplied by; None where there is none."""
    a, b = a.double(), b.double()
    factor = float((a * b).sum() / b.square().sum().clamp(min=1e-12))
    return factor if abs(factor) > 1e-6 and same((a,), (factor * b,)) else None


def _in_numbers(exercise: ModuleType, case: Case, a: Tensor, b: Tensor) -> str:
    if factor := _factor(a, b):
        return f"every number is {factor:.4g} times the right one{_as_root(factor)}."
    offset = float((a - b).double().mean())
    if same((a,), (b + offset,)):
        return f"every number is {abs(offset):.4g} too {'large' if offset > 0 else 'small'}."
    if moved := _moved(a, b):
        return moved.strip()
    if same((a,), (b.clamp(a.min(), a.max()),)):
        return f"the numbers are right, but cut off at {float(a.min()):.4g} and {float(a.max()):.4g}."
    near = ((a - b).abs() < 1e-4 + 1e-3 * b.abs()).double().mean().item()
    worst = int((a - b).abs().argmax())
    place = tuple(int(k) for k in torch.unravel_index(torch.tensor(worst), b.shape))
    if same((a.flatten().sort().values,), (b.flatten().sort().values,)):
        return (
            "all the right numbers are there, but not in their places: some axes were cut or joined in another order. "
            f"At {place} stands {_origin(exercise, case, a[place])} where {_origin(exercise, case, b[place])} belongs."
        )
    return f"{near:.0%} of the numbers are right. At {place} it gives {a[place]:.4f} where {b[place]:.4f} is right."


def _origin(exercise: ModuleType, case: Case, value: Tensor) -> str:
    """Which number of the arguments it is: tokens[0, 3, 1]."""
    for name, arg in zip(signature(exercise.answer).parameters, case.args, strict=True):
        if isinstance(arg, Tensor) and len(found := (arg == value).nonzero()) == 1:
            return f"{name}[{', '.join(str(int(k)) for k in found[0])}]"
    return f"{float(value):.4f}"


def _as_root(factor: float) -> str:
    """What 0.35355 is, 1 / sqrt(8), after a comma; nothing where no small whole number is behind a factor."""
    for number in range(2, 65):
        for power, words in ((0.5, f"sqrt({number})"), (-0.5, f"1 / sqrt({number})"), (-1, f"1 / {number}")):
            if isclose(abs(factor), number**power, rel_tol=1e-4) and (power != 0.5 or number**0.5 % 1):
                return f", {'-' if factor < 0 else ''}{words}"
    return ""
