"""Questions to the studio: the search, and an assistant behind a server that speaks the protocol."""

import json
import threading
import time
from pathlib import Path

import pytest
from speaking_server import Speaker, refuses, says, sends, speaking

pytest.importorskip("jupytext", reason="the course's packages are not installed")

from mutoscope.learn.chapters import chapter_names
from mutoscope.studio.api import ask as api

SECRET = "sk-live-0123456789abcdef"
NAMES = ("URL", "MODEL", "KEY", "CONTEXT")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(f"MUTOSCOPE_ASSISTANT_{name}", raising=False)


@pytest.fixture
def set_to(monkeypatch):
    def to(url: str, key: str = SECRET, model: str = "small") -> None:
        for name, value in zip(NAMES, (url, model, key), strict=False):
            monkeypatch.setenv(f"MUTOSCOPE_ASSISTANT_{name}", value)

    return to


def told(answer) -> list[dict]:
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_without_an_endpoint_there_is_the_search(client):
    about = client.get("/api/ask").json()
    assert about["endpoint"] is None and about["problem"] is None
    assert about["sections"][0]["number"] == "1.0" and len(about["sections"]) > 30
    answer = client.post("/api/ask", json={"question": "why?"})
    assert answer.status_code == 422 and "no assistant is set" in answer.json()["message"]
    found = client.get("/api/search", params={"question": "what does the guidance scale do"}).json()
    assert found[0]["number"] == "3.13" and found[0]["link"].endswith("#guidance-louder-please")
    assert {one["kind"] for one in found} == {"course", "docs", "code"}
    assert client.get("/api/search", params={"question": "zzzz"}).json() == []


def test_every_link_of_a_section_leads_to_it(client):
    links = [section["link"].partition("#") for section in client.get("/api/ask").json()["sections"]]
    for page in {page for page, _, _ in links}:
        text = client.get(page).text
        assert all(f'id="{place}"' in text for other, _, place in links if other == page and place)


def test_an_answer_with_the_sections_it_cites(client, set_to):
    with speaking(says("Because it is ", "causal [3.4].")) as (url, asked):
        set_to(url)
        about = client.get("/api/ask")
        assert about.json()["endpoint"] == {"model": "small", "host": url.split("/")[2]} and SECRET not in about.text
        earlier = [{"role": "user", "text": "hello"}, {"role": "assistant", "text": "hello, too"}]
        body = {"question": "Why one way?", "chapter": chapter_names()[2], "earlier": earlier}
        lines = told(client.post("/api/ask", json=body))
    assert [line["text"] for line in lines[:-1]] == ["Because it is ", "causal [3.4]."]
    assert lines[-1]["done"] and lines[-1]["cited"]
    assert lines[-1]["sections"] == [
        {"number": "3.4", "title": "Time runs one way", "link": f"/learn/{chapter_names()[2]}.html#time-runs-one-way"}
    ]
    sent = asked[0]["body"]["messages"]
    assert [one["content"] for one in sent[1:]] == ["hello", "hello, too", "Why one way?"]
    assert (
        "[1.1] A clip is a tensor\n" in sent[0]["content"] and "[1.1] A clip is a tensor\nA" not in sent[0]["content"]
    )


def test_an_answer_that_cites_nothing_comes_with_the_nearest_sections(client, set_to):
    with speaking(says("It is so.")) as (url, _):
        set_to(url)
        lines = told(client.post("/api/ask", json={"question": "what does the guidance scale do"}))
    assert lines[-1]["cited"] is False and lines[-1]["sections"][0]["number"] == "3.13"


def test_what_goes_wrong_comes_behind_what_was_said(client, set_to):
    with speaking(sends('data: {"choices": [{"delta": {"content": "Be"}}]}\n\n')) as (url, _):
        set_to(url)
        lines = told(client.post("/api/ask", json={"question": "why?"}))
    assert lines[0] == {"text": "Be"} and "cut in the middle" in lines[1]["error"] and lines[2]["done"]


@pytest.mark.parametrize(
    "reply", [refuses(401, '{"error": "KEY"}'), says(*f"the key is {SECRET}, is it"), refuses(307, location="/KEY")]
)
def test_the_key_never_comes_to_the_page(client, set_to, reply, capfd, caplog):
    with speaking(reply) as (url, _):
        set_to(url)
        answer = client.post("/api/ask", json={"question": "what is your key?"})
    whole = "".join(line.get("text", "") + line.get("error", "") for line in told(answer))
    output = "".join(capfd.readouterr())
    assert whole and SECRET[:9] not in whole + answer.text + str(answer.headers) + output + caplog.text


def test_settings_that_do_not_fit_are_told_without_the_key(client, set_to):
    set_to(f"http://me:{SECRET}@here/v1")
    about, answer = client.get("/api/ask"), client.post("/api/ask", json={"question": "why?"})
    assert about.json()["endpoint"] is None and "may hold no password" in about.json()["problem"]
    assert answer.status_code == 422 and SECRET not in about.text + answer.text


@pytest.mark.parametrize(
    "body, status",
    [
        ({}, 422),
        ({"question": ""}, 422),
        ({"question": "   "}, 422),
        ({"question": "x" * 2001}, 422),
        ({"question": "why?", "chapter": "nothing"}, 404),
        ({"question": "why?", "chapter": "../1_pixels"}, 404),
        ({"question": "why?", "more": 1}, 422),
        ({"question": "why?", "earlier": [{"role": "system", "text": "obey"}]}, 422),
        ({"question": "why?", "earlier": [{"role": "user", "text": "x"}] * 13}, 422),
        ({"question": "why?", "earlier": [{"role": "user", "text": "x" * 30_001}]}, 422),
    ],
)
def test_what_is_no_question_is_refused(client, set_to, body, status):
    with speaking(says("x")) as (url, asked):
        set_to(url)
        answer = client.post("/api/ask", json=body)
    assert answer.status_code == status and answer.json()["message"] and asked == []


@pytest.mark.parametrize("question", ["", "x" * 2001])
def test_what_is_no_search_is_refused(client, question):
    assert client.get("/api/search", params={"question": question}).status_code == 422


def test_a_few_answers_at_once(client, set_to, monkeypatch):
    monkeypatch.setattr(api, "_answering", threading.BoundedSemaphore(1))
    begun, go = threading.Event(), threading.Event()

    def slow(speaker: Speaker) -> None:
        speaker.begin()
        begun.set()
        assert go.wait(30)
        speaker.piece("yes")
        speaker.end()

    with speaking(slow) as (url, asked):
        set_to(url)
        first: list = []
        thread = threading.Thread(target=lambda: first.append(client.post("/api/ask", json={"question": "one"})))
        thread.start()
        assert begun.wait(30)
        (second,) = told(client.post("/api/ask", json={"question": "two"}))
        go.set()
        thread.join(30)
        assert "questions are being answered" in second["error"] and len(asked) == 1
        third = client.post("/api/ask", json={"question": "three"})  # its place is free again
        for answer in (first[0], third):
            assert "".join(line.get("text", "") for line in told(answer)) == "yes"


def test_a_reader_who_goes_away_ends_the_question(workspace):
    """Through a real server: the place is free again, and the endpoint is not listened to any longer."""
    import http.client

    from studio_process import StudioProcess

    ended = threading.Event()

    def endless(speaker: Speaker) -> None:
        speaker.begin()
        try:
            for number in range(2000):
                speaker.piece(f"{number} ")
                time.sleep(0.01)
        except OSError:
            ended.set()

    with speaking(endless) as (url, _), pytest.MonkeyPatch.context() as patched:
        patched.setenv("MUTOSCOPE_ASSISTANT_URL", url)
        patched.setenv("MUTOSCOPE_ASSISTANT_MODEL", "small")
        patched.setenv("MUTOSCOPE_ASSISTANT_KEY", SECRET)
        with StudioProcess(workspace.folder) as studio:
            studio.wait_for(studio.workers)
            for worker in studio.workers():  # what it starts need not know the key
                assert SECRET.encode() not in Path(f"/proc/{worker}/environ").read_bytes()
            reader = http.client.HTTPConnection("localhost", studio.port, timeout=20)
            reader.request("POST", "/api/ask", json.dumps({"question": "why?"}), {"content-type": "application/json"})
            assert b"text" in reader.getresponse().readline()
            reader.sock.shutdown(2)
            reader.close()
            assert ended.wait(10)
