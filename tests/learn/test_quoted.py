"""Numbers in prose are what the cells said."""

import pytest

from mutoscope.learn.quoted import MIME, complaints, quote, unmarked


def notebook(prose: str, **said: float) -> list[dict]:
    return [
        {"cell_type": "code", "source": "", "outputs": [{"data": {MIME: said}}, {"name": "stdout", "text": "x"}]},
        {"cell_type": "markdown", "source": prose},
    ]


@pytest.mark.parametrize(
    "prose, value, fits",
    [
        ("**32.8 dB**<!-- a -->", 32.84, True),
        ("**32.8 dB**<!-- a -->", 32.86, False),
        ("about **32.8 dB**<!-- a ±1.5 --> here", 34.2, True),
        ("**32.8 dB**<!-- a ±1.5 -->", 34.4, False),
        ("**52,224**<!-- a --> numbers", 52224, True),
        ("**52,224**<!-- a --> numbers", 52225, False),
        ("**-3**<!-- a -->", -3.2, True),
        ("**-3**<!-- a -->", 3, False),
        ("**3**<!-- a -->", float("nan"), False),
        ("**many**<!-- a -->", 3, False),
        ("**3**<!-- b -->", 3, False),
    ],
)
def test_a_number_is_held_to_what_was_said(prose, value, fits):
    assert bool(complaints(notebook(prose, a=value))) != fits


def test_bold_numbers_need_somebody_to_vouch_for_them():
    text = "**3 %** of it.\n\n**4 %**<!-- a --> and **bold** and **5 x**.\n\n**6 %** (`mutoscope compare`)."
    assert unmarked(text) == ["3 %", "5 x"]
    assert unmarked("**32 dB**<!-- a --> against **15 dB**<!-- b --> for") == []


def test_outside_a_notebook_nothing_happens(capsys):
    quote(a=1.0)
    assert capsys.readouterr().out == ""
