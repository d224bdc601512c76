"""`mutoscope learn ask`: the search, and an answer from a server that speaks the protocol."""

import pytest
from speaking_server import refuses, says, speaking

pytest.importorskip("jupytext", reason="the course's packages are not installed")

from mutoscope.cli.main import main

SECRET = "sk-live-0123456789abcdef"


@pytest.fixture
def endpoint(monkeypatch):
    def set_to(url: str) -> None:
        for name, value in (("URL", url), ("MODEL", "small"), ("KEY", SECRET)):
            monkeypatch.setenv(f"MUTOSCOPE_ASSISTANT_{name}", value)

    monkeypatch.delenv("MUTOSCOPE_ASSISTANT_URL", raising=False)
    return set_to


def test_the_search(endpoint, capsys):
    assert main(["learn", "ask", "why does the VAE look one way in time", "--limit", "2"]) == 0
    said = capsys.readouterr().out
    assert said.index("In the course") < said.index("3.4 Time runs one way") < said.index("In the docs")
    assert main(["learn", "ask", "zzzz"]) == 2 and "nothing of what is written" in capsys.readouterr().err
    assert main(["learn", "ask", "  "]) == 2 and "ask something" in capsys.readouterr().err


def test_an_answer(endpoint, capsys):
    with speaking(says("It is ", "causal [3.4].")) as (url, asked):
        endpoint(url)
        assert main(["learn", "ask", "why one way", "--chapter", "3"]) == 0
    said = capsys.readouterr().out
    assert said == "It is causal [3.4].\n[3.4] Chapter 3: Time runs one way\n"
    assert "[1.1] A clip is a tensor\nA" not in asked[0]["body"]["messages"][0]["content"]


@pytest.mark.parametrize("chapter, words", [("7", "no chapter '7'"), ("nothing", "no chapter 'nothing'")])
def test_a_chapter_that_is_none(endpoint, capsys, chapter, words):
    endpoint("http://127.0.0.1:9/v1")
    assert main(["learn", "ask", "why", "--chapter", chapter]) == 2
    assert words in capsys.readouterr().err


def test_what_goes_wrong_is_one_line_without_the_key(endpoint, capsys):
    with speaking(refuses(401, '{"error": "bad key KEY"}')) as (url, _):
        endpoint(url)
        assert main(["learn", "ask", "why"]) == 2
    said = capsys.readouterr()
    assert "refuses the key" in said.err and said.err.count("\n") == 1 and SECRET not in said.err + said.out
