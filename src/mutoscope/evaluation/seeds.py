"""How much of a result is luck: the same questions, answered again with other seeds."""

import statistics

from .result import Adherence, SeedSpread

NAMES = ("all_correct", "identity", "colour", "direction")


def over_seeds(found: list[Adherence]) -> dict[str, SeedSpread] | None:
    """Mean and sample standard deviation of each share over two seeds or more; None for one."""
    if len(found) < 2:
        return None
    spreads = {}
    for name in NAMES:
        values = tuple(m.value for adherence in found if (m := getattr(adherence, name)) is not None)
        if values:
            spreads[name] = SeedSpread(mean=statistics.fmean(values), deviation=statistics.stdev(values), values=values)
    return spreads
