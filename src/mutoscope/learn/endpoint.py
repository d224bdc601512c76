"""Where the assistant is, as the environment says."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from ..config import Config

URL, MODEL, KEY, CONTEXT = (f"MUTOSCOPE_ASSISTANT_{name}" for name in ("URL", "MODEL", "KEY", "CONTEXT"))


class Endpoint(Config):
    """Where to ask, and how long to wait."""

    url: str
    """Without /chat/completions: http://127.0.0.1:11434/v1."""
    model: str
    key: SecretStr | None = None
    context: Annotated[int, Field(ge=4096, le=10_000_000)] = 16_384
    """Tokens that the model reads, answer included; local servers cut what is longer without a word."""
    connect_s: float = 5.0
    first_s: float = 120.0
    """Until the first piece: a local server loads the model first."""
    between_s: float = 30.0
    whole_s: float = 600.0

    @property
    def host(self) -> str:
        """Of the address, with its port."""
        return urlsplit(self.url).netloc


def endpoint_from(environment: Mapping[str, str]) -> Endpoint | None:
    """The endpoint that the environment names; None where it names none. ValueError if it is wrong, without the key."""
    url, model, key = (environment.get(name, "").strip() for name in (URL, MODEL, KEY))
    if not url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{URL} is no address of an endpoint. It looks like http://127.0.0.1:11434/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{URL} may hold no password, ? or #: a key goes into {KEY}, where it stays unseen.")
    if not model:
        raise ValueError(f"{MODEL} is missing: which model of {parts.netloc} is to answer?")
    if not key.isascii() or not key.isprintable():
        raise ValueError(f"{KEY} holds signs that no key has. Was it copied whole, and only it?")
    endpoint = Endpoint(url=url.rstrip("/"), model=model, key=SecretStr(key) if key else None)
    if context := environment.get(CONTEXT, "").strip():
        if not context.isdecimal() or not 4096 <= int(context) <= 10_000_000:
            raise ValueError(f"{CONTEXT} is the number of tokens the model reads, 4096 or more; got {context[:20]!r}.")
        endpoint = endpoint.model_copy(update={"context": int(context)})
    return endpoint


def without_key(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for processes that have no need to know the key."""
    return {name: value for name, value in environment.items() if name != KEY}
