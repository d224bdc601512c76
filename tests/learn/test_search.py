"""The search: its score against the closed form, and questions that learners ask."""

import math
import subprocess
import sys

import pytest

pytest.importorskip("jupytext", reason="the course's packages are not installed")

from mutoscope.learn import passages as told
from mutoscope.learn.chapters import chapter_names, read_chapter
from mutoscope.learn.passages import Passage, passages, sections
from mutoscope.learn.search import EXCERPT, K1, B, Index, excerpt, relevance, search, words


def passage(title: str, text: str) -> Passage:
    return Passage("docs", "here", title, text)


def test_the_score_is_bm25():
    among = [passage("", "noise noise clip"), passage("", "clip token"), passage("", "token token token word word")]
    rarity = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))  # one of three holds it
    average = (3 + 2 + 5) / 3
    expected = rarity * 2 * (K1 + 1) / (2 + K1 * (1 - B + B * 3 / average))
    assert Index(among).scores(["noise"]) == [pytest.approx(expected), 0, 0]
    both = Index(among).scores(words("noise clip"))
    clip = math.log(1 + (3 - 2 + 0.5) / 2.5) * (K1 + 1) / (1 + K1 * (1 - B + B * 3 / average))
    assert both[0] == pytest.approx(expected + clip)
    assert relevance("noise", among) == Index(among).scores(["noise"])


def test_a_word_asked_twice_counts_once_and_an_unknown_one_nothing():
    index = Index([passage("", "noise clip"), passage("", "clip")])
    assert index.scores(words("noise noise")) == index.scores(words("noise"))
    assert index.scores(words("zebra")) == [0, 0] and index.best("zebra", 5) == []
    assert Index([]).best("noise", 5) == []


def test_words_of_a_title_count_more():
    index = Index([passage("", "latents and frames and more of it"), passage("Latents", "frames and more of it")])
    assert index.best("latent", 2)[0].passage.title == "Latents"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Frames of the VAE", ["frame", "vae"]),
        ("guidance_scale", ["guidance", "scale", "guidance_scale"]),
        ("CrossAttention", ["cross", "attention", "crossattention"]),
        ("cross-attention", ["cross", "attention"]),
        ("loss, status, basis", ["loss", "status", "basis"]),
        ("why is it so?", []),
        ("β = 0.1", ["β", "0", "1", "0.1"]),
    ],
)
def test_words_as_they_are_compared(text, expected):
    assert words(text) == expected


QUESTIONS = {
    "why is t between 0 and 1": "3.7",
    "what does the guidance scale do": "3.13",
    "unpatchify": "3.6",
    "what is adaLN": "3.8",
    "why does the VAE look one way in time": "3.4",
    "what is the KL for": "3.3",
    "why not pixels?": "3.1",
    "how do words reach the video, cross-attention": "3.9",
    "ancestral step of DDPM": "1.4",
    "do tokens know their order? rotary positions": "2.6",
    "what does PSNR mean": "3.5",
    "velocity prediction": "3.7",
    "caption dropout": "3.13",
    "what does attention cost": "2.3",
    "receptive field of a convolution": "2.1",
    "softmax temperature scale sqrt(d)": "2.2",
    "reparameterise the posterior": "3.2",
}


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_a_question_of_a_learner_finds_its_section(question):
    course = [found.passage.number for found in search(question) if found.passage.kind == "course"]
    assert QUESTIONS[question] in course[:3]


@pytest.mark.parametrize(
    "question, place",
    [
        ("train on my own clips", "docs/your-clips.md"),
        ("several GPUs torchrun", "docs/scaling.md"),
        ("kill resume the same bits", "docs/reliability.md"),
        ("patchify tokens", "mutoscope.nn.patch"),
        ("what is a posterior's kl", "mutoscope.vae.posterior.Posterior"),
    ],
)
def test_docs_and_docstrings_are_found_too(question, place):
    assert place in [found.passage.place for found in search(question)]


def test_every_section_has_a_number_and_a_link_that_leads_to_it():
    for name in chapter_names():
        found = sections(name)
        titles = [title for _, title in read_chapter(name).sections]
        assert [one.title for one in found[1:]] == titles and found[0].number == f"{name[0]}.0"
        assert [one.number for one in found] == [f"{name[0]}.{k}" for k in range(len(found))]
        assert found[1].link == f"{name}.html#{read_chapter(name).sections[0][0]}"
        assert "<!--" not in "".join(one.text for one in found)  # marks behind quoted numbers are not read
    assert any("import mutoscope" in one.text for one in sections(chapter_names()[-1]))  # code is


def test_everything_public_is_there_and_nothing_private():
    places = {(one.place, one.title) for one in passages()}
    assert ("mutoscope.diffusion.paths", "add_noise") in places
    assert ("mutoscope.vae.posterior.Posterior", "kl") in places
    assert ("docs/conventions.md", "Conventions") in places
    assert not any(title.startswith("_") for _, title in places) and not any("log.md" in place for place, _ in places)


def test_without_what_reads_chapters_the_rest_is_searched(monkeypatch):
    def missing(name: str):
        raise ValueError("chapters need a few packages more")

    monkeypatch.setattr(told, "sections", missing)
    kinds = {one.kind for one in passages.__wrapped__()}
    assert kinds == {"docs", "code"}


def test_an_excerpt_shows_where_the_words_are():
    text = "nothing here. " * 60 + "The guidance scale is 5 in this place. " + "nothing there. " * 60
    shown = excerpt(text, words("guidance scale"))
    assert "guidance scale is 5" in shown and len(shown) <= EXCERPT + 4
    assert shown.startswith("… ") and shown.endswith(" …")
    assert excerpt("It **is** so:\n```python\nx = 1\n```\nand so on.", ["x"]) == "It is so: and so on."
    assert excerpt("short", ["x"]) == "short" and len(excerpt("x" * 1000, ["y"])) <= EXCERPT + 4


SEARCHES = """
import sys
from time import process_time
begun = process_time()
from mutoscope.learn.search import search
search("noise")
first = process_time()
search("what does the guidance scale do to the video that a sampler makes")
print(first - begun, process_time() - first, "torch" in sys.modules)
"""  # in a process of its own: checks of types in tests take longer than the work, and others work beside it


def test_it_is_quick_and_loads_no_torch():
    told = subprocess.run([sys.executable, "-c", SEARCHES], capture_output=True, text=True, check=True).stdout
    first, later, torch = told.split()
    assert float(first) < 5 and float(later) < 0.2 and torch == "False"  # about 0.9 s and 10 ms
