"""What the numbers of a comparison allow to say, in sentences.

Nothing is called better than something else whose interval overlaps with it.
"""

from .comparison import Comparison, Entry, QualityPoint
from .result import Measured

TARGET = 0.9  # of the ceiling: where a model counts as having learned the task


def overlap(a: Measured, b: Measured) -> bool:
    """Whether the intervals share a point; then no difference is claimed."""
    (a_low, a_high), (b_low, b_high) = _ends(a), _ends(b)
    return a_low <= b_high and b_low <= a_high


def _ends(measured: Measured) -> tuple[float, float]:
    low, high = measured.low, measured.high
    return measured.value if low is None else low, measured.value if high is None else high


def target_of(entry: Entry) -> float:
    """The share of right videos that counts as learned."""
    ceiling = entry.adherence.all_correct.ceiling
    return TARGET * (1.0 if ceiling is None else ceiling)


def reached_after(entry: Entry) -> QualityPoint | None:
    """The first snapshot that reaches the target."""
    return next((point for point in entry.quality if point.all_correct.value >= target_of(entry)), None)


def equals_of_the_best(entries: tuple[Entry, ...]) -> list[Entry]:
    """The best in quality and all whose interval overlaps with its, the best first."""
    ranked = sorted(entries, key=lambda entry: -entry.adherence.all_correct.value)
    return [entry for entry in ranked if overlap(entry.adherence.all_correct, ranked[0].adherence.all_correct)]


def sentences(comparison: Comparison) -> list[str]:
    """What a person should know first, one sentence after the other: which to choose, and why."""
    entries = comparison.entries
    said = [f"“{failure.name}” could not be trained: {failure.reason}" for failure in comparison.failures]
    if len(entries) < 2:
        return [
            *said,
            f"{_listed([_quoted(e) for e in entries]) or 'Nothing'} was measured: there is nothing to compare.",
        ]
    best = equals_of_the_best(entries)
    learned = any(_ends(entry.adherence.all_correct)[1] >= target_of(entry) for entry in best)
    warning = f"No entry reaches {_percent(TARGET)} of what real clips reach: give a larger budget before you choose."
    return [
        _choice(best) if learned else warning,
        _quality(entries, best, comparison.num_prompts),
        *_learning(entries),
        *_sampling(best),
        *_few_steps(entries),
        *said,
    ]


def _choice(best: list[Entry]) -> str:
    if len(best) == 1:
        return f"Choose {_quoted(best[0])}: it follows the prompts clearly better than every other entry."
    fastest = _fastest(best)
    if len(fastest) == 1:
        return (
            f"Choose {_quoted(fastest[0])}: no entry is clearly better in quality, and of the {len(best)} that are not "
            "told apart it makes a video the fastest."
        )
    names = _listed([_quoted(entry) for entry in fastest])
    points = {entry.name: point for entry in fastest if (point := reached_after(entry))}
    if not points:
        return (
            f"Neither quality nor sampling time tells {names} apart: choose by memory, size or training time, "
            "or ask more prompts."
        )
    first = min(points, key=lambda name: points[name].seconds)
    return (
        f"Choose “{first}”: neither quality nor sampling time tells {names} apart, and it was the first to learn the "
        f"task, after {points[first].seconds:.0f} s (one training each: a small lead may be luck)."
    )


def _quality(entries: tuple[Entry, ...], best: list[Entry], num_prompts: int) -> str:
    ceiling = best[0].adherence.all_correct.ceiling
    limit = "" if ceiling is None else f" Real clips reach {_percent(ceiling)} with the same judge."
    others = [entry for entry in entries if entry not in best]
    below = f" Clearly below {_quoted(best[0])}: {_listed([_with_interval(e) for e in others])}." if others else ""
    if len(best) == 1:
        return f"Right in everything, of {num_prompts} videos: {_with_interval(best[0])}.{below}{limit}"
    names = _listed([_with_interval(entry) for entry in best])
    return f"Right in everything, of {num_prompts} videos: {names}; the intervals overlap.{below}{limit}"


def _learning(entries: tuple[Entry, ...]) -> list[str]:
    """Seconds of training to the target, and who is first where the intervals say so."""
    curves = [entry for entry in entries if entry.quality]
    if not curves:
        return []
    times = {entry.name: found.seconds for entry in curves if (found := reached_after(entry))}
    words = [
        f"“{name}” gets there after {seconds:.0f} s"
        for name, seconds in sorted(times.items(), key=lambda item: item[1])
    ]
    for entry in curves:
        if entry.name not in times:
            near = any(_ends(point.all_correct)[1] >= target_of(entry) for point in entry.quality)
            note = " (but its interval includes it)" if near else ""
            words.append(f"{_quoted(entry)} not within {entry.quality[-1].seconds:.0f} s{note}")
    said = [f"{_percent(TARGET)} of what real clips reach: {', '.join(words)}."]
    first = min((e for e in curves if e.name in times), key=lambda e: times[e.name], default=None)
    if first is not None and len(curves) > 1 and all(_behind(other, first) for other in curves if other is not first):
        said.append(f"{_quoted(first)} learns the fastest: when it gets there, every other entry is clearly behind.")
    return said


def _behind(other: Entry, first: Entry) -> bool:
    """Whether `other`, given at least as much time (or all it had), is below `first` where that reached the target."""
    there = reached_after(first)
    assert there is not None
    later = next((point for point in other.quality if point.seconds >= there.seconds), other.quality[-1])
    return _ends(later.all_correct)[1] < _ends(there.all_correct)[0]


def _fastest(entries: list[Entry]) -> list[Entry]:
    """The fastest per video and all whose timings overlap with its."""
    ranked = sorted(entries, key=lambda entry: entry.ms_per_video.value)
    return [entry for entry in ranked if overlap(entry.ms_per_video, ranked[0].ms_per_video)]


def _sampling(best: list[Entry]) -> list[str]:
    if len(best) == 1:
        return []
    ranked = sorted(best, key=lambda entry: entry.ms_per_video.value)
    fastest = _fastest(best)
    times = _listed([f"{_quoted(entry)} {entry.ms_per_video.value:.3g} ms" for entry in ranked])
    if len(fastest) == 1:
        return [f"At equal quality (intervals overlap) {_quoted(fastest[0])} is the fastest per video: {times}."]
    names = _listed([_quoted(entry) for entry in fastest])
    return [f"At equal quality (intervals overlap) the time per video does not tell {names} apart: {times}."]


def _few_steps(entries: tuple[Entry, ...]) -> list[str]:
    """The fewest sampling steps that are not clearly worse than the entry's best, where it learned the task at all."""
    words = []
    for entry in entries:
        top = max(entry.by_steps, key=lambda point: point.all_correct.value, default=None)
        if top is not None and _ends(top.all_correct)[1] >= target_of(entry):
            fewest = next(point for point in entry.by_steps if overlap(point.all_correct, top.all_correct))
            words.append(f"{_quoted(entry)} {fewest.steps}")
    return [f"Fewest sampling steps that are not clearly worse than more of them: {', '.join(words)}."] if words else []


def _quoted(entry: Entry) -> str:
    """Names hold spaces and numbers."""
    return f"“{entry.name}”"


def _with_interval(entry: Entry) -> str:
    low, high = _ends(entry.adherence.all_correct)
    return f"{_quoted(entry)} {_percent(entry.adherence.all_correct.value)} ({100 * low:.0f} – {_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _listed(words: list[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)
