"""What a wrong result is made of: how much of each tensor that the right one mixes, and which scale that is."""

from math import isclose, sqrt

import torch
from torch import Tensor

SMALL = 1e-4


def mistaken_amounts(
    terms: dict[str, Tensor], scales: dict[str, Tensor], got: Tensor, right: Tensor, axis: int = 0, part: str = "clip"
) -> str:
    """In words, of which terms there is too much or too little in the first wrong part; nothing where it is no mix.

    terms: what a result may be a sum of, each times a number; shaped like it, or 1 long along `axis`.
    scales: numbers with a name, () or one per part, which amounts are recognised by. got, right: shaped alike, float.
    axis, part: each index along the axis is a part, with amounts of its own, and this is what it is called.
    """
    for number in range(got.shape[axis]):
        here = [term.select(axis, number if term.shape[axis] > 1 else 0) for term in terms.values()]
        mine, true = (_amounts(out.select(axis, number), here) for out in (got, right))
        if mine is None or true is None:
            return ""
        names = {name: float(scale.flatten()[min(number, scale.numel() - 1)]) for name, scale in scales.items()}
        wrong = [
            _in_words(term, a, b, names) for term, a, b in zip(terms, mine, true, strict=True) if abs(a - b) > SMALL
        ]
        if wrong:
            return f"{part} {number}: {'; '.join(wrong)}."
    return ""


def _amounts(out: Tensor, terms: list[Tensor]) -> list[float] | None:
    """Least squares; None where something is left over, or too few numbers say anything."""
    columns = torch.stack([term.expand_as(out).flatten().double() for term in terms], 1)
    if len(columns) < 2 * len(terms) or not out.isfinite().all():
        return None
    wanted = out.flatten().double()
    solution = torch.linalg.lstsq(columns, wanted[:, None]).solution[:, 0]
    left_over = (columns @ solution - wanted).abs().max()
    return solution.tolist() if left_over < SMALL * (1 + wanted.abs().max()) else None


def _in_words(term: str, got: float, right: float, names: dict[str, float]) -> str:
    if abs(got) < SMALL:
        amount = "" if isclose(right, 1, abs_tol=SMALL) else f": it belongs there {_named(right, names)} times"
        return f"{term} is missing{amount}"
    if abs(right) < SMALL:
        return f"{term} is there {_named(got, names)} times, and does not belong there"
    if isclose(got, -right, abs_tol=SMALL):
        return f"{term} has the wrong sign: {_named(got, names)} times where {_named(right, names)} is right"
    return f"{term} is taken {_named(got, names)} times where {_named(right, names)} is right"


def _named(value: float, names: dict[str, float]) -> str:
    """0.36 = alpha_bar."""
    for sign, minus in ((1, ""), (-1, "-")):
        made = [one for name, scale in names.items() for one in _made_from(name, scale)]
        for words, known in [*names.items(), *made]:  # a scale itself before what another makes
            if not isclose(abs(value), 1, rel_tol=1e-3) and isclose(sign * value, known, rel_tol=1e-3):
                return f"{value:.4g} = {minus}{words}"
    return f"{value:.4g}"


def _made_from(name: str, scale: float) -> list[tuple[str, float]]:
    """What people make from a scale by mistake, or rightly."""
    made = [(name, scale), (f"{name}^2", scale**2), (f"1 - {name}", 1 - scale), (f"1 + {name}", 1 + scale)]
    if scale > 0:
        made += [(f"sqrt({name})", sqrt(scale)), (f"1 / {name}", 1 / scale)]
    if scale < 1:
        made.append((f"sqrt(1 - {name})", sqrt(1 - scale)))
    return made
