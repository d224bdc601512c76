"""Markdown with formulas as HTML, every sentence in an element that knows how it is read aloud."""

import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any

from .chapters import anchor
from .quoted import MARK
from .speech import STOPS, code_words, formula_words, text_words, tidy

SPOKEN = "spoken"
"""Key of what a sentence's first token knows."""


@cache
def html(text: str) -> str:
    """As HTML; the marks behind quoted numbers are left out. Kept, as `code` is."""
    return parser().render(_unmarked(text))


def sentences(text: str) -> list[str]:
    """What is read aloud, in order: headings, prose and formulas; no code cells."""
    found: list[str] = []
    for token in parser().parse(_unmarked(text)):
        for one in (token, *(token.children or ())):
            if one.meta.get(SPOKEN):
                found.append(one.meta[SPOKEN])
    return found


def _unmarked(text: str) -> str:
    return MARK.sub(lambda mark: f"**{mark['words']}**", text)


@cache
def parser() -> Any:
    """Markdown as the chapters use it. Raw HTML is let through: the chapters are ours."""
    from latex2mathml.converter import convert
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    from .render import code

    def formula(content: str, options: dict[str, Any]) -> str:
        return convert(content, display="block" if options["display_mode"] else "inline")

    def block(text: str, language: str, _: str) -> str:
        return code(text) if language == "python" else f'<pre tabindex="0">{escape(text)}</pre>'

    made = MarkdownIt("commonmark", {"html": True, "highlight": block}).enable("table")
    made.use(dollarmath_plugin, double_inline=True, renderer=formula)
    made.core.ruler.push("sentences", _sentences)
    made.add_render_rule("heading_open", _heading)
    plain: Callable[..., str] = made.renderer.rules["math_block"]  # pyright: ignore[reportAttributeAccessIssue]
    made.add_render_rule(
        "math_block", lambda self, tokens, index, *rest: _spoken_block(tokens[index], plain(tokens, index, *rest))
    )
    return made


def _spoken_block(token: Any, shown: str) -> str:
    return f'<div class="s" tabindex="0" data-spoken="{escape(token.meta[SPOKEN])}">{shown}</div>'


def _heading(self: Any, tokens: Any, index: int, options: Any, environment: Any) -> str:
    tag, title = tokens[index].tag, tokens[index + 1].content
    return f'<{tag} id="{anchor(title)}">'


def _sentences(state: Any) -> None:
    """A rule of markdown-it: cut the prose of every block into sentences."""
    for token in state.tokens:
        if token.type == "math_block":
            token.meta[SPOKEN] = formula_words(token.content)
        elif token.type == "inline" and token.children:
            token.children = [piece for sentence in _split(token.children) for piece in _wrapped(sentence)]


def _split(children: list[Any]) -> list[list[Any]]:
    """Sentences as lists of tokens; none ends inside bold or a link."""
    found: list[list[Any]] = [[]]
    depth = 0
    for token in children:
        depth += token.nesting
        if token.type != "text" or depth:
            over = token.type == "softbreak" and not depth and _ends(found[-1])
            found[-1].append(token)
            found += [[]] if over else []
            continue
        for number, part in enumerate(STOPS.split(token.content)):
            if number:
                found.append([])
            if part:
                found[-1].append(token.copy(content=part))
    return [sentence for sentence in found if sentence]


def _ends(sentence: list[Any]) -> bool:
    """Whether a sentence is over where its line is."""
    last = sentence[-1] if sentence else None
    return last is not None and last.type == "text" and bool(re.search(STOPS.pattern + "$", f"{last.content} "))


def _wrapped(sentence: list[Any]) -> list[Any]:
    from markdown_it.token import Token

    words = tidy(" ".join(filter(None, map(_words, sentence))))
    if not any(letter.isalnum() for letter in words):
        return sentence
    opened = Token(
        "html_inline", "", 0, content=f'<span class="s" data-spoken="{escape(words)}">', meta={SPOKEN: words}
    )
    return [opened, *sentence, Token("html_inline", "", 0, content="</span> ")]


def _words(token: Any) -> str:
    if token.type == "text":
        return text_words(token.content)
    if token.type == "code_inline":
        return code_words(token.content)
    return formula_words(token.content) if token.type.startswith("math_inline") else ""
