"""Read aloud: words, and no sign that a voice would stumble over."""

import json
import re
import sys

import pytest

pytest.importorskip("jupytext", reason="the course's packages are not installed")

from mutoscope.cli.main import main
from mutoscope.learn.chapters import chapter_names, read_chapter
from mutoscope.learn.markdown import html, sentences
from mutoscope.learn.narrate import narrate, sections
from mutoscope.learn.speech import code_words, formula_words, text_words

UNSPEAKABLE = re.compile(r"[\\_$<>{}`^|#*~=×²→≈±%…−]")

FORMULAS = {
    r"x_t": "x t",
    r"x_0": "x 0",
    r"\bar\alpha_t": "alpha bar t",
    r"\bar{\alpha}_{t}": "alpha bar t",
    r"\hat{x}": "x hat",
    r"x^2": "x squared",
    r"n^3": "n cubed",
    r"a^{n}": "a to the n",
    r"k^\top": "k transposed",
    r"f'": "f prime",
    r"-3": "minus 3",
    r"a - b": "a minus b",
    r"a + b = c": "a plus b equals c",
    r"48\times": "48 times",
    r"2 \cdot 3": "2 times 3",
    r"0.015 + 0.001 \times 3.2": "0.015 plus 0.001 times 3.2",
    r"196\,608": "196608",
    r"262{,}144": "262144",
    r"1\,000\,000": "1000000",
    r"\frac{a}{b}": "a over b",
    r"\tfrac12": "one half",
    r"\frac{1}{4}": "one quarter",
    r"\frac{x_t - \alpha x_0}{\sigma}": "x t minus alpha x 0 over sigma",
    r"\sqrt e": "the square root of e",
    r"\sqrt{1 - \bar\alpha}\,\epsilon": "the square root of 1 minus alpha bar, epsilon",
    r"\log\sigma^2": "log sigma squared",
    r"\exp(x)": "exp, x",
    r"\mathrm{KL}": "K L",
    r"\text{latent frames}": "latent frames",
    r"1 + k \text{ latent frames}": "1 plus k latent frames",
    r"x_\text{next}": "x next",
    r"x_0^{\text{empty}}": "x 0 empty",
    r"q \sim \mathcal{N}(0, 1)": "q is drawn from N, 0, 1",
    r"a \approx b": "a is about b",
    r"t \in [0, 1]": "t in, 0, 1",
    r"a \le b": "a is at most b",
    r"a \geq b": "a is at least b",
    r"a < b": "a is less than b",
    r"\sum_k x_k": "the sum of k x k",
    r"(1 - \beta_1) \cdots (1 - \beta_k)": "1 minus beta 1, and so on to, 1 minus beta k",
    r"17 \longleftrightarrow 5": "17 correspond to 5",
    r"|x|": "x",
    r"\left(a + b\right) c": "a plus b, c",
    r"3 \times 3 \times 3": "3 times 3 times 3",
}


@pytest.mark.parametrize("latex", FORMULAS)
def test_formulas(latex):
    assert formula_words(latex) == FORMULAS[latex]


@pytest.mark.parametrize(
    "latex", ["", "{", "}", "^", "_", "\\", r"\frac", r"\frac{a", r"\sqrt", r"\bar", r"\text", "a^"]
)
def test_what_is_no_formula_is_no_error(latex):
    assert not UNSPEAKABLE.search(formula_words(latex))


def test_prose_and_code():
    assert text_words("32×32 costs 48× less, 99 % at −1.3 dB in 5 ms").split() == (
        "32 by 32 costs 48 times less, 99 percent at minus 1.3 decibels in 5 milliseconds".split()
    )
    assert text_words("196,608 numbers") == "196608 numbers"
    assert code_words("nn.patch.unpatchify").split() == "nn dot patch dot unpatchify".split()
    assert code_words("--vae.kl-weight 0.1").split() == "vae dot kl weight 0.1".split()


def test_sentences_end_where_they_end():
    text = "One costs 0.5 s. Two (Ho et al. 2020, eq. 7) is **bold. Still bold.** and `a.b` is $x_t$! Three?"
    assert sentences(text) == [
        "One costs 0.5 s.",
        "Two (Ho et al. 2020, eq. 7) is bold. Still bold. and a dot b is x t!",
        "Three?",
    ]
    assert sentences("# Title\n\n$$a = b$$\n\n* first\n* second") == ["Title", "a equals b", "first", "second"]
    assert html("One. Two.").count('class="s"') == 2 and "data-spoken=" in html("$$a$$")
    assert sentences("One ends here.\nThe next `x`.\nA third one, of\ntwo lines.") == [
        "One ends here.", "The next x.", "A third one, of two lines.",
    ]  # fmt: skip
    assert sentences("As Ho et al.\nsay, **it is.\nSo** it is.") == ["As Ho et al. say, it is. So it is."]


@pytest.mark.parametrize("name", chapter_names())
def test_no_sign_is_read_in_a_chapter(name):
    chapter = read_chapter(name)
    read = [one for _, lines in sections(chapter) for one in lines]
    assert len(read) > 50
    assert [one for one in read if UNSPEAKABLE.search(one) or "  " in one] == []
    assert [title for title, _ in sections(chapter)] == [chapter.title, *(title for _, title in chapter.sections)]


READS = """import sys, pathlib
text, audio = sys.argv[1:]
pathlib.Path(audio).write_bytes(b"RIFF" + pathlib.Path(text).read_bytes())
"""


def test_every_section_becomes_a_file(tmp_path):
    program = tmp_path / "reads.py"
    program.write_text(READS)
    name = chapter_names()[-1]
    made = narrate([name], tmp_path / "out", f"{sys.executable} {program} {{text}} {{audio}}", print)
    assert len(made) == len(sections(read_chapter(name)))
    for audio, (title, lines) in zip(made, sections(read_chapter(name)), strict=True):
        assert audio.read_bytes() == b"RIFF" + audio.with_suffix(".txt").read_bytes()
        assert json.loads(audio.with_suffix(".json").read_text()) == {"title": title, "sentences": lines}


@pytest.mark.parametrize(
    "command, words",
    [
        ("nothing-of-the-kind {text} {audio}", "no program 'nothing-of-the-kind'"),
        (f"{sys.executable} {{text}}", "needs {text} and {audio}"),
        ("", "needs {text} and {audio}"),
        (f"{sys.executable} '{{text}} {{audio}}", "cannot be read"),
        (f"{sys.executable} -c 'import sys; sys.exit(\"no voice\")' {{text}} {{audio}}", "failed: no voice"),
        (f"{sys.executable} -c 'pass' {{text}} {{audio}}", "no audio file came out"),
        (f"{sys.executable} -c 'pass' {{text}} {{audio}}; touch owned", "no audio file came out"),
    ],
)
def test_programs_that_do_not_read(tmp_path, capsys, monkeypatch, command, words):
    monkeypatch.chdir(tmp_path)
    assert main(["learn", "narrate", "--out", str(tmp_path / "out"), "--command", command]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "owned").exists() and not list((tmp_path / "out").glob("*.wav*"))
