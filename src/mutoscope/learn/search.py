"""A search over what the course, the docs and the docstrings say: BM25, in memory, nothing to set up.

Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond" (doi:10.1561/1500000019), with 1 +
inside the logarithm, so that no word counts against a passage. A title is scored beside its text, as it is short and
says what the passage is about.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from .passages import Kind, Passage, passages

K1, B = 1.2, 0.75
"""Usual values: how soon a repeated word counts no more, how much long passages are held back."""
TITLE = 1.5
"""What a word of the title adds, in units of its rarity; a text's word adds up to K1 + 1."""
PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[α-ω]")
WORD = re.compile(r"[\w]+(?:\.\d+)?")
CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
STOP = frozenset(
    "a an and are as at be been but by can could did do does for from get had has have how i if in into is it its me "
    "my not of on or should so than that the their them then there these they this to us was we were what when where "
    "which who why will with would you your".split()
)
EXCERPT = 240
"""Characters."""


@dataclass(frozen=True)
class Found:
    """A passage, and why."""

    passage: Passage
    score: float
    excerpt: str
    """Where the words asked for stand closest."""


class Index:
    """Passages by their words."""

    def __init__(self, among: Sequence[Passage]):
        self._passages = among
        self._titles = [set(words(one.title)) for one in among]
        self._counts = [Counter(words(one.text)) for one in among]
        self._lengths = [count.total() for count in self._counts]
        self._average = sum(self._lengths) / max(1, len(among)) or 1.0
        self._holders = Counter(
            word for count, title in zip(self._counts, self._titles, strict=True) for word in count.keys() | title
        )

    def scores(self, asked: Iterable[str]) -> list[float]:
        """Of each passage, for words as `words` gives them."""
        found = [0.0] * len(self._passages)
        for word in set(asked):
            holders = self._holders[word]
            if not holders:
                continue
            rarity = math.log(1 + (len(self._passages) - holders + 0.5) / (holders + 0.5))
            for index, count in enumerate(self._counts):
                if times := count[word]:
                    held = K1 * (1 - B + B * self._lengths[index] / self._average)
                    found[index] += rarity * times * (K1 + 1) / (times + held)
                if word in self._titles[index]:
                    found[index] += rarity * TITLE
        return found

    def best(self, question: str, limit: int) -> list[Found]:
        """The best first; only what holds a word of the question."""
        asked = words(question)
        scored = sorted(((-score, index) for index, score in enumerate(self.scores(asked)) if score > 0))
        return [
            Found(self._passages[index], -worse, excerpt(self._passages[index].text, asked))
            for worse, index in scored[:limit]
        ]


def search(question: str, limit: int = 4) -> list[Found]:
    """What answers a question best: sections of the course, then of the docs, then docstrings, `limit` of each."""
    return [found for index in _indices().values() for found in index.best(question, limit)]


def relevance(question: str, among: Sequence[Passage]) -> list[float]:
    """Scores of some passages, as if there were no others."""
    return Index(among).scores(words(question))


def words(text: str) -> list[str]:
    """Words as they are compared: lower case, no plural, names whole and in their parts, no fill-words."""
    found: list[str] = []
    for word in WORD.findall(text):
        parts = PIECES.findall(word)
        whole = [word] if len(parts) != 1 or parts[0] != word else []
        found += [_stem(part.lower()) for part in [*parts, *whole]]
    return [word for word in found if word not in STOP]


def excerpt(text: str, asked: Iterable[str]) -> str:
    """The stretch of EXCERPT characters with most different words that were asked for."""
    plain, wanted = " ".join(CODE.sub(" ", text).replace("**", "").split()), set(asked)
    if len(plain) <= EXCERPT:
        return plain
    hits = [(match.start(), word) for match in WORD.finditer(plain) for word in words(match[0]) if word in wanted]
    best = max(
        (begin for begin, _ in hits),
        key=lambda begin: (len({word for at, word in hits if begin <= at < begin + EXCERPT - 40}), -begin),
        default=0,
    )
    begin = plain.rfind(" ", 0, max(0, best - 40)) + 1
    end = len(plain)
    if begin + EXCERPT < end:
        end = max(plain.rfind(" ", begin, begin + EXCERPT), begin + EXCERPT // 2)
    return ("… " if begin else "") + plain[begin:end] + (" …" if end < len(plain) else "")


def _stem(word: str) -> str:
    """Without a plural's s; frames and frame are one word, loss stays."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@cache
def _indices() -> dict[Kind, Index]:
    """One for each kind: a word that is rare in the course may be in every other docstring."""
    kinds: tuple[Kind, ...] = ("course", "docs", "code")
    return {kind: Index([one for one in passages() if one.kind == kind]) for kind in kinds}
