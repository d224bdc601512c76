"""Text, formulas and code as they are read aloud: words only, no symbol left."""

import re
from collections.abc import Iterator

GREEK = "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()
SAID: dict[str, str] = {name: name for name in [*GREEK, "log", "exp", "sin", "cos", "min", "max", "in"]} | {
    "cdot": "times", "times": "times", "approx": "is about", "to": "to", "rightarrow": "to",
    "le": "is at most", "leq": "is at most", "ge": "is at least", "geq": "is at least", "ne": "is not",
    "sum": "the sum of", "prod": "the product of", "infty": "infinity", "partial": "d", "nabla": "the gradient of",
    "cdots": "and so on to", "ldots": "and so on to", "dots": "and so on to", "pm": "plus or minus", "mid": "given",
    "longleftrightarrow": "correspond to", "leftrightarrow": "correspond to", "top": "transposed",
    "sim": "is drawn from", "quad": ",", "qquad": ",",
}  # fmt: skip
"""What a command without arguments is read as; spacing and sizes are not read."""
SILENT = {"left", "right", "big", "Big", "bigl", "bigr", "displaystyle", ",", ";", "!", ":", " "}
AFTER = {"bar": "bar", "hat": "hat", "tilde": "tilde", "vec": "vector"}
PLAIN = {"text", "mathrm", "mathbf", "mathcal", "operatorname", "textbf", "mathit"}
SIGNS: dict[str, str] = {
    "=": "equals", "+": "plus", "-": "minus", "−": "minus", "/": "over", "<": "is less than", ">": "is more than",
    "|": ",", "(": ",", ")": ",", "[": ",", "]": ",", "&": "", "~": " ", "'": "prime", "*": "times", "×": "times",
    "·": "times",
}  # fmt: skip
POWERS = {"2": "squared", "3": "cubed", "transposed": "transposed", "prime": "prime"}
HALVES = {("1", "2"): "one half", ("1", "3"): "one third", ("1", "4"): "one quarter"}
TOKEN = re.compile(
    r"\\(?:text|mathrm|mathbf|mathcal|operatorname|textbf|mathit)\{[^{}]*\}"  # words, with the spaces between them
    r"|\\[A-Za-z]+|\\."
    r"|\d+(?:(?:\\,|\{,\})\d{3})*(?:\.\d+)?"  # a number, thousands apart
    r"|[A-Za-z]|[^\s]"
)
IN_TEXT = [
    (r"(\d)\s*×\s*(\d)", r"\1 by \2"), (r"×", " times "), (r"²", " squared"), (r"³", " cubed"), (r"→", " to "),
    (r"≈", " about "), (r"±", " plus or minus "), (r"β", " beta "), (r"(?<![\w.])[−-](?=\d)", "minus "),
    (r"−", " minus "), (r"%", " percent"), (r"\bdB\b", "decibels"), (r"\bms\b", "milliseconds"), (r"°", " degrees"),
    (r"…", " and so on "), (r"(\d),(\d{3})\b", r"\1\2"), (r"[“”\"*#|<>{}\[\]$`^\\~]", " "), (r"_", " "),
    (r"=", " equals "), (r"/", " "), (r"[–—]", ", "),
]  # fmt: skip
"""Signs in prose, in this order."""
STOPS = re.compile(r"(?<=[.!?])(?<!\bal\.)(?<!\beq\.)(?<!\bsec\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)\s+")
"""Between two sentences."""


def text_words(text: str) -> str:
    """Prose without signs that a voice would stumble over."""
    for sign, words in IN_TEXT:
        text = re.sub(sign, words, text)
    return re.sub(r"\s+", " ", text)


def code_words(source: str) -> str:
    """A name or a command: `nn.patch` is "nn dot patch"."""
    source = re.sub(r"(?<=[A-Za-z_])\.(?=\w)", " dot ", source)
    source = re.sub(r"(?<!\w)-{1,2}(?=\w)", " ", source)
    return text_words(re.sub(r"[_()\[\]{},:'=/-]", " ", source))


def formula_words(latex: str) -> str:
    r"""A formula of LaTeX: `x_t^2` is "x t squared", `\frac{a}{b}` "a over b"."""
    return tidy(" ".join(_Reader(latex).until("")))


def tidy(text: str) -> str:
    """One space between words, none before a comma, no comma twice or at an end."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r"(?:,\s*)+([,.;:!?])", r"\1", text)
    return text.strip().strip(",").strip()


class _Reader:
    """Tokens of a formula, read from the left."""

    def __init__(self, latex: str):
        self._tokens, self._at = TOKEN.findall(latex), 0

    def until(self, end: str) -> Iterator[str]:
        """Words up to a token, which is passed over; "" = to the end."""
        while self._at < len(self._tokens):
            if self._tokens[self._at] == end:
                self._at += 1
                return
            yield from self._one()

    def _argument(self) -> str:
        """Words of a group in braces, or of one token."""
        if self._at < len(self._tokens) and self._tokens[self._at] == "{":
            self._at += 1
            return tidy(" ".join(self.until("}")))
        return tidy(" ".join(self._one())) if self._at < len(self._tokens) else ""

    def _one(self) -> Iterator[str]:
        token = self._tokens[self._at]
        self._at += 1
        if token.startswith("\\"):
            yield from self._command(token[1:])
        elif token == "_":
            yield self._argument()
        elif token == "^":
            power = self._argument()
            word = power if " " in power or len(power) > 2 else f"to the {power}"
            yield POWERS.get(power, word)
        elif token == "{":
            yield from self.until("}")
        elif token[0].isdigit():
            yield re.sub(r"\\,|\{,\}", "", token)
        elif token != "}":
            yield SIGNS[token] if token in SIGNS else token

    def _command(self, name: str) -> Iterator[str]:
        if name in ("frac", "tfrac", "dfrac"):
            top, bottom = self._halves() or (self._argument(), self._argument())
            yield HALVES.get((top, bottom), f"{top} over {bottom}")
        elif name == "sqrt":
            under = self._argument()
            yield f"the square root of {under}" + ("," if " " in under else "")  # a pause where the root ends
        elif name in AFTER:
            yield f"{self._argument()} {AFTER[name]}"
        elif name.endswith("}"):
            word = name[name.index("{") + 1 : -1]
            yield " ".join(word) if word.isupper() else word  # capitals are spelt
        elif name in PLAIN:
            yield self._argument()
        elif name not in SILENT:
            yield SAID.get(name, text_words(name))

    def _halves(self) -> tuple[str, str] | None:
        r"""Of `\tfrac12`, whose digits the tokens hold as one number."""
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if len(token) == 2 and token.isdigit():
            self._at += 1
            return token[0], token[1]
        return None
