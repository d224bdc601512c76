"""Who may talk to the studio: pages of its own address, and elsewhere whoever has the token.

A page of another site can make a browser send requests here. It cannot send our Origin (cross-site posts), and where it
points a name of its own at 127.0.0.1 (DNS rebinding) the Host header still has its name.
"""

import hmac
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "[::1]")
COOKIE = "mutoscope_token"
MOST_BYTES = 64 * 2**20
"""Of one request: uploads are clips, not archives."""
HEADERS = [
    (b"content-security-policy", b"default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
     b"style-src 'self' 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]  # fmt: skip


class Guard:
    """ASGI middleware: answers 403, 401 or 413 itself, and passes on what may come in."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...], token: str = ""):
        """hosts: names this server is asked by, without port. token: "" = none is needed, for 127.0.0.1."""
        self._app, self._hosts, self._token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]}
        fresh = parse_qs(scope["query_string"].decode("latin1")).get("token", [""])[0]
        why = self._refusal(scope["method"], headers, fresh)
        if why is not None:
            await _answer(send, *why)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
                if self._token and fresh:
                    cookie = f"{COOKIE}={fresh}; HttpOnly; SameSite=Strict; Path=/"
                    message["headers"].append((b"set-cookie", cookie.encode("latin1")))
            await send(message)

        await self._app(scope, receive, with_headers)

    def _refusal(self, method: str, headers: dict[str, str], fresh: str) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self._hosts and _name(host) not in self._hosts:
            return 403, f"this studio is not asked by the name {host[:100]!r}. Open the address that it printed."
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "another site's page asked for this."
        changes, site = method not in ("GET", "HEAD"), headers.get("sec-fetch-site", "same-origin")
        if changes and site not in ("same-origin", "none"):
            return 403, "another site's page asked for this."
        if self._token:
            jar = SimpleCookie(headers.get("cookie", ""))
            given = fresh or (jar[COOKIE].value if COOKIE in jar else "")
            given = given or headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                return 401, "the token is missing or wrong. Open the address that the studio printed, with its token."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return 413, f"that is larger than the {MOST_BYTES >> 20} MiB which are taken at once."
        return None


def _name(host: str) -> str:
    """Of host:port."""
    return host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host


async def _answer(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})
