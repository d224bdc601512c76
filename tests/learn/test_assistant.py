"""The assistant against a local server that speaks the protocol, and misbehaves."""

import asyncio
import json
import logging
import traceback
from contextlib import aclosing
from threading import Event

import pytest
from speaking_server import Speaker, refuses, says, sends, speaking, waits

pytest.importorskip("jupytext", reason="the course's packages are not installed")

from mutoscope.learn.assistant import (
    ANSWER_TOKENS,
    CHARACTERS_PER_TOKEN,
    LONGEST,
    QUOTED,
    Hidden,
    Turn,
    answer,
    cited,
    messages,
    reading,
)
from mutoscope.learn.chapters import chapter_names
from mutoscope.learn.check import check
from mutoscope.learn.endpoint import Endpoint, endpoint_from
from mutoscope.learn.passages import sections

SECRET = "sk-live-0123456789abcdef"
CHAPTER = chapter_names()[-1]
QUESTION = "Why does the VAE look one way in time?"
QUICK = {"connect_s": 10.0, "first_s": 1.5, "between_s": 1.0, "whole_s": 3.0}


def endpoint(url: str, **changes) -> Endpoint:
    return Endpoint.model_validate({"url": url, "model": "small", "key": SECRET, "context": 16384} | changes)


def ask(where: Endpoint, question: str = QUESTION, earlier: tuple[Turn, ...] = ()) -> tuple[str, str]:
    """All that was said, and why it ended; "" = as it should."""

    async def collect() -> tuple[str, str]:
        said = []
        try:
            async for piece in answer(where, question, reading(where, question, CHAPTER), earlier):
                said.append(piece)
        except ValueError as error:
            assert SECRET not in "".join(traceback.format_exception(error))
            return "".join(said), str(error)
        return "".join(said), ""

    return asyncio.run(collect())


def answered(reply, **changes) -> tuple[str, str]:
    with speaking(reply) as (url, _):
        return ask(endpoint(url, **changes))


def test_an_answer_comes_in_pieces_as_they_are_said():
    heard = Event()

    def reply(speaker: Speaker) -> None:
        speaker.begin()
        speaker.piece("Because")
        assert heard.wait(20)  # a client that collects would wait for ever
        speaker.piece(" it is causal [3.4].")
        speaker.end()

    async def in_pieces(where: Endpoint) -> list[str]:
        said = []
        async with aclosing(answer(where, QUESTION, reading(where, QUESTION, CHAPTER))) as pieces:
            async for piece in pieces:
                said.append(piece)
                heard.set()
        return said

    with speaking(reply) as (url, asked):
        assert asyncio.run(in_pieces(endpoint(url))) == ["Because", " it is causal [3.4]."]
    told = asked[-1]
    assert told["path"] == "/v1/chat/completions" and told["authorization"] == f"Bearer {SECRET}"
    assert told["body"]["stream"] is True and told["body"]["model"] == "small"
    system, question = told["body"]["messages"][0], told["body"]["messages"][-1]
    assert question == {"role": "user", "content": QUESTION} and system["role"] == "system"
    assert "[3.4] Time runs one way" in system["content"] and "[1.4] One step back, by hand" in system["content"]
    assert sections(CHAPTER)[4].text in system["content"] and SECRET not in json.dumps(told["body"])


def test_without_a_key_none_is_sent():
    with speaking(says("yes")) as (url, asked):
        assert ask(endpoint(url, key=None)) == ("yes", "")
    assert asked[0]["authorization"] == ""


EVENT = 'data: {"choices": [{"delta": {"content": "yes"}, "finish_reason": null}]}'
STOP = 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize(
    "parts",
    [
        (f"{EVENT}\n\n{STOP}\n\ndata: [DONE]\n\n",),
        (f"{EVENT}\r\n\r\n{STOP}\r\n\r\ndata: [DONE]\r\n\r\n",),
        (f"{EVENT}\n\n", "data:[DONE]\n"),
        (f": ping\n\n{EVENT}\n\n: ping\n\n{STOP}\n",),
        (f"event: message\nid: 3\nretry: 100\n{EVENT}\n\n{STOP}",),
        (EVENT[:20], EVENT[20:] + "\n\n" + STOP[:5], STOP[5:] + "\n\n"),
        (
            'data: {"choices": []}\n\n'
            + EVENT
            + "\n"
            + STOP
            + '\ndata: {"choices": [], "usage": {"total_tokens": 3}}\n',
        ),
        ('data: {"choices": [{"delta": {"role": "assistant"}}]}\n', EVENT + "\n", STOP + "\n"),
        ('data: {"choices": [{"delta": {"reasoning_content": "hm"}}]}\n', EVENT + "\n", STOP + "\n"),
        (b"data: \xff\xfe garbage\n\n" + f"{EVENT}\n\n{STOP}\n\n".encode(),),
        ("data: [1, 2]\ndata: 3\ndata: null\ndata: {]\n" + EVENT + "\n" + STOP + "\n",),
        ("data: " + "[" * 200_000 + "\n" + EVENT + "\n" + STOP + "\n",),
        (f'data: {{"error": null, {EVENT[7:]}\n{STOP}\n',),
        ('data: {"choices": 5}\ndata: {"choices": {"a": 1}}\n' + EVENT + "\n" + STOP + "\n",),
        ('data: {"choices": ["x", null, {"delta": 3}, {"delta": {"content": [1]}}]}\n' + EVENT + "\n" + STOP + "\n",),
    ],
)
def test_a_stream_is_read_however_it_is_written(parts):
    assert answered(sends(*parts)) == ("yes", "")


def test_a_letter_that_is_cut_between_two_packets_is_whole():
    data = json.dumps({"choices": [{"delta": {"content": "βeta"}, "finish_reason": "stop"}]}, ensure_ascii=False)
    raw = f"data: {data}\n\n".encode()
    middle = raw.index("β".encode()) + 1
    assert answered(sends(raw[:middle], raw[middle:])) == ("βeta", "")


@pytest.mark.parametrize("indent", [None, 2])
def test_a_server_that_answers_whole_though_a_stream_was_asked_for(indent):
    told = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    assert answered(sends(json.dumps(told, indent=indent), kind="application/json")) == ("yes", "")


@pytest.mark.parametrize(
    "reply, said, why",
    [
        (sends(EVENT + "\n\n"), "yes", "cut in the middle"),
        (sends(EVENT + "\n\n", 'data: {"choices": [{"del'), "yes", "cut in the middle"),
        (
            sends('data: {"choices": [{"delta": {"content": "yes"}, "finish_reason": "length"}]}\n'),
            "yes",
            "may not say",
        ),
        (sends(EVENT + "\n", 'data: {"error": {"message": "out of memory"}}\n'), "yes", "It says: out of memory"),
        (sends("data: [DONE]\n\n"), "", "answered nothing"),
        (sends(""), "", "answered nothing"),
        (sends("<html>nothing</html>", kind="text/html"), "", "answered nothing"),
        (sends("x" * (3 << 20)), "", "a line without end"),
        (sends("{" + " " * (3 << 20), kind="application/json"), "", "a line without end"),
        (waits(5), "", "said nothing for 1.5 s"),
        (waits(5, "be", "gun"), "begun", "said nothing for 1 s"),
        (says(*"abcdefgh" * 5, pause_s=0.1), None, "took longer than 3 s"),
        (says("x" * (LONGEST + 1)), None, "ended after 30,000"),
    ],
)
def test_what_goes_wrong_is_told_behind_what_was_said(reply, said, why):
    found, reason = answered(reply, **QUICK)
    assert why in reason and (said is None or found == said)
    assert "\n" not in reason and len(reason) < 400


@pytest.mark.parametrize(
    "status, words",
    [
        (400, "does not take the question"),
        (401, "MUTOSCOPE_ASSISTANT_KEY right"),
        (403, "MUTOSCOPE_ASSISTANT_KEY right"),
        (404, "has no model 'small'"),
        (413, "MUTOSCOPE_ASSISTANT_CONTEXT lower"),
        (418, "refuses (418)"),
        (429, "enough questions for now"),
        (500, "still being loaded"),
        (503, "still being loaded"),
    ],
)
def test_every_refusal_says_what_to_do(status, words):
    said, why = answered(refuses(status, '{"error": {"message": "the   reason"}}'))
    assert said == "" and words in why and f"({status})" in why and why.endswith("It says: the reason")


@pytest.mark.parametrize(
    "text, said",
    [
        ("plain words", "It says: plain words"),
        ('{"error": "a word"}', "It says: a word"),
        ('{"message": "other form"}', "It says: other form"),
        ("<html><body>nginx</body></html>", "(500)."),
        ("", "(500)."),
        ('{"error": {"code": 3}}', "(500)."),
        ("x" * 100_000, "x" * QUOTED),
    ],
)
def test_a_servers_own_words_are_quoted_shortly(text, said):
    assert answered(refuses(500, text))[1].endswith(said)


def test_an_address_that_is_none():
    assert "no address that can be asked" in ask(endpoint("http://\u00e9\u200b.com/v1"))[1]
    assert "nothing answers at exa mple" in ask(endpoint("http://exa mple/v1"))[1]


def test_an_answer_to_an_exercise_does_not_learn_the_key(monkeypatch):
    monkeypatch.setenv("MUTOSCOPE_ASSISTANT_KEY", SECRET)
    monkeypatch.setenv("MUTOSCOPE_ASSISTANT_MODEL", "small")
    said = check(
        "guide",
        "import os\nprint(os.environ.get('MUTOSCOPE_ASSISTANT_MODEL'), SECRET in str(os.environ))\n".replace(
            "SECRET", repr(SECRET)
        ),
    )
    assert said.printed.split() == ["small", "False"]


def test_nobody_there():
    with speaking(says("x")) as (url, _):
        pass
    assert "nothing answers at 127.0.0.1" in ask(endpoint(url))[1]


def test_a_redirect_is_not_followed_for_the_key_would_go_along():
    with speaking(says("stolen")) as (other, asked):
        said, why = answered(refuses(307, location=f"{other}/chat/completions"))
    assert said == "" and "sends on to another address (307)" in why and asked == []


def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert answered(says("yes")) == ("yes", "")


def echoing(speaker: Speaker) -> None:
    speaker.begin()
    speaker.piece(f"your key is {speaker.authorization} ")
    for letter in speaker.authorization.removeprefix("Bearer "):
        speaker.piece(letter)
    speaker.write(f'data: {{"error": {{"message": "{"x" * 190} {speaker.authorization}"}}}}\n\n')


@pytest.mark.parametrize(
    "reply",
    [
        echoing,
        refuses(401, '{"error": {"message": "wrong key KEY"}}'),
        refuses(500, "KEY" * 300),
        refuses(500, "x" * (QUOTED - 9) + "KEY"),
        refuses(400, "KEY"),
        refuses(302, "KEY", location="http://127.0.0.1:9/KEY"),
        sends('data: {"choices": [{"delta": {"content": "' + SECRET + '"}, "finish_reason": "length"}]}\n'),
    ],
)
def test_the_key_is_nowhere(reply, caplog, capfd):
    with caplog.at_level(logging.DEBUG), speaking(reply) as (url, _):
        where = endpoint(url)
        said, why = ask(where)
    shown = f"{said} {why} {caplog.text} {''.join(capfd.readouterr())} {where!r} {where.model_dump_json()}"
    for length in range(9, len(SECRET) + 1):
        assert SECRET[:length] not in shown
    assert why


def test_what_hides_a_key_hides_nothing_else():
    text = "the skate park-like sk-live- place, sk-live"
    for size in range(1, len(text)):
        hidden = Hidden(SECRET)
        shown = "".join(hidden.through(text[k : k + size]) for k in range(0, len(text), size))
        assert shown + hidden.rest() == text
    almost = Hidden(SECRET)
    assert almost.through(f"a {SECRET[:-1]}") + almost.rest() == "a …"
    whole = f"a{SECRET}b{SECRET}{SECRET}c"
    for size in range(1, len(whole)):
        hidden = Hidden(SECRET)
        shown = "".join(hidden.through(whole[k : k + size]) for k in range(0, len(whole), size)) + hidden.rest()
        assert shown == "a…b……c"
    assert Hidden("ollama").through("ollama") == "ollama"  # no secret


URL = {"MUTOSCOPE_ASSISTANT_URL": "http://127.0.0.1:11434/v1/", "MUTOSCOPE_ASSISTANT_MODEL": "qwen"}


def test_the_endpoint_is_what_the_environment_says():
    assert endpoint_from({}) is None and endpoint_from({"MUTOSCOPE_ASSISTANT_URL": " "}) is None
    plain = endpoint_from(URL)
    assert plain is not None and plain.url == "http://127.0.0.1:11434/v1" and plain.key is None
    assert plain.context == 16384 and plain.host == "127.0.0.1:11434"
    full = endpoint_from(URL | {"MUTOSCOPE_ASSISTANT_KEY": f" {SECRET}\n", "MUTOSCOPE_ASSISTANT_CONTEXT": "8192"})
    assert full is not None and full.key is not None and full.key.get_secret_value() == SECRET and full.context == 8192
    assert SECRET not in repr(full)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"URL": "127.0.0.1:11434"}, "no address of an endpoint"),
        ({"URL": "ftp://here/v1"}, "no address of an endpoint"),
        ({"URL": "http://"}, "no address of an endpoint"),
        ({"URL": "http://[::1/v1"}, "no address of an endpoint"),
        ({"URL": "http://here:99999/v1"}, "no address of an endpoint"),
        ({"URL": f"http://me:{SECRET}@here/v1"}, "may hold no password"),
        ({"URL": f"http://here/v1?key={SECRET}"}, "may hold no password"),
        ({"MODEL": " "}, "MUTOSCOPE_ASSISTANT_MODEL is missing"),
        ({"KEY": f"{SECRET}\nHost: other"}, "signs that no key has"),
        ({"KEY": f"{SECRET}ß"}, "signs that no key has"),
        ({"CONTEXT": "many"}, "4096 or more; got 'many'"),
        ({"CONTEXT": "100"}, "4096 or more; got '100'"),
        ({"CONTEXT": "-5"}, "4096 or more"),
    ],
)
def test_what_is_set_wrong_is_told_without_the_key(changes, words):
    environment = URL | {f"MUTOSCOPE_ASSISTANT_{name}": value for name, value in changes.items()}
    with pytest.raises(ValueError, match=words) as caught:
        endpoint_from(environment)
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("context", [4096, 8192, 16384, 200_000])
@pytest.mark.parametrize("chapter", ["", CHAPTER])
def test_what_is_sent_fits_the_model_and_holds_the_section_that_is_asked_for(context, chapter):
    where = endpoint("http://127.0.0.1:1/v1", context=context)
    read = reading(where, QUESTION, chapter)
    assert "Time runs one way" in [one.title for one in read]
    earlier = [Turn(role="user", text=f"{k} " + "x" * 2000) for k in range(30)]
    sent = messages(where, QUESTION, read, earlier)
    size = sum(len(one["content"]) for one in sent)
    assert size <= CHARACTERS_PER_TOKEN * (context - ANSWER_TOKENS)
    kept = [one["content"].split()[0] for one in sent[1:-1]]
    assert kept == [str(k) for k in range(30 - len(kept), 30)]  # the newest
    if context == 200_000:
        everything = [one for name in chapter_names() for one in sections(name)]
        assert read == (list(sections(chapter)) if chapter else everything)
    assert [one.number for one in read] == sorted((one.number for one in read), key=lambda n: [*map(int, n.split("."))])


def test_a_section_that_is_too_long_is_cut_rather_than_left_out():
    where = endpoint("http://127.0.0.1:1/v1", context=4096)
    longest = max(sections(CHAPTER), key=lambda one: len(one.text))
    room = CHARACTERS_PER_TOKEN * (4096 - ANSWER_TOKENS) * 3 // 4
    assert len(longest.text) > room
    (read,) = reading(where, longest.title, CHAPTER)
    assert read.number == longest.number and longest.text.startswith(read.text) and len(read.text) > 0.9 * room


def test_a_chapter_that_is_none_is_refused():
    with pytest.raises(ValueError, match="there is no chapter 'nothing'"):
        reading(endpoint("http://127.0.0.1:1/v1"), QUESTION, "nothing")


def test_sections_are_cited_once_each_and_invented_ones_not():
    found = cited("It is causal [3.4], see [3.1] and again [3.4]; also [9.9], [3.99], 3.5 and [x].")
    assert [one.number for one in found] == ["3.4", "3.1"] and found[0].link == f"{CHAPTER}.html#time-runs-one-way"
