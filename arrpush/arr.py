"""Speaking to a Sonarr or a Radarr over its HTTP API, version 3.

Rules
    Everything that can go wrong is an ArrTrouble. Its kind says what helps, its words are one
    sentence for the user; neither address nor key is in it.
    Redirects are not followed: these programs send one where the address lacks their URL base, and
    a proxy where it wants a login.
    A question goes out once. Whether it may be asked again is for the caller to know.
"""

import enum
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from engine.http import backoff
from engine.http.exchange import NOT_TRUSTED, Answer, HttpTrouble, exchange

T = TypeVar("T")

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes; a page of 500 queue records has about one MB."""

TIMEOUT = 30.0
"""Seconds for a question that the program answers by itself."""

LONG_TIMEOUT = 150.0
"""Seconds for one during which it calls us back: it gives us up to 100 for each call of its own."""

Exchange = Callable[..., Awaitable[Answer]]
"""What `engine.http.exchange.exchange` does."""


class Trouble(enum.Enum):
    """What kind of trouble it is, which says what helps."""

    DOWN = "down"
    """Not reachable, starting up, or overloaded: time helps."""
    KEY = "key"
    """It does not accept the API key: only the user helps."""
    ADDRESS = "address"
    """Somebody else answers at the address: only the user helps."""
    UNKNOWN = "unknown"
    """It knows nothing of what was asked about."""
    REFUSED = "refused"
    """It does not do what was asked, and will not on the next try."""


class ArrTrouble(Exception):
    """A program did not do what it was asked; `str()` is a sentence without any secret.

    `body` is what it said, which may quote what it was asked: for decisions, not for logs.
    `retry_after` is what it asked for in seconds, or None.
    """

    def __init__(
        self,
        trouble: Trouble,
        message: str,
        *,
        status: int = 0,
        body: bytes = b"",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.status = status
        self.body = body
        self.retry_after = retry_after


class Arr:
    """One program. Any task of one event loop may ask; nothing is kept open in between."""

    def __init__(
        self,
        name: str,
        url: str,
        key: str | Callable[[], str],
        *,
        ca_file: str | None = None,
        exchange: Exchange = exchange,
    ) -> None:
        """`name` stands in messages, `url` is the address with the URL base, if there is one.

        `key` may be looked up for each question, for it may change.
        """
        self.name = name
        self.url = url
        self._base = f"{url.rstrip('/')}/api/v3"
        self._key = key
        self.key_refused = ""
        """The key that was not accepted; empty as soon as another one is tried."""
        self._ca_file = ca_file
        self._exchange = exchange

    def __repr__(self) -> str:
        return f"<Arr {self.name}>"

    def key(self) -> str:
        """Return the key as it is now."""
        return self._key if isinstance(self._key, str) else self._key()

    async def get(self, path: str, kind: type[T], **query: str | int | bool) -> T:
        """Return what is at `path`, such as `/queue`, as a `kind`. Raises ArrTrouble."""
        return self.read(await self._ask("GET", path, query), kind)

    async def post(self, path: str, body: Any = None, **query: str | int | bool) -> Answer:
        """Send `body` as JSON, if there is one; `read` reads the answer. Raises ArrTrouble."""
        return await self._ask("POST", path, query, body)

    async def push(self, release: dict[str, Any]) -> Answer:
        """Push a release; waits while the program calls us back to grab it. Raises ArrTrouble."""
        return await self._ask("POST", "/release/push", {}, release, timeout=LONG_TIMEOUT)

    async def delete(self, path: str, **query: str | int | bool) -> None:
        """Delete what is at `path`; waits while the program calls us back. Raises ArrTrouble."""
        await self._ask("DELETE", path, query, timeout=LONG_TIMEOUT)

    def read(self, answer: Answer, kind: type[T]) -> T:
        """Return what an answer says as a `kind`. Raises ArrTrouble when it is something else."""
        try:
            return msgspec.json.decode(answer.body, type=kind, strict=False)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            message = f"what answers at {self.name.upper()}_URL is not the API of {self.name}"
            raise ArrTrouble(
                Trouble.ADDRESS, message, status=answer.status, body=answer.body
            ) from None

    async def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, str | int | bool],
        body: Any = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - handed on
    ) -> Answer:
        key = self.key()
        if key != self.key_refused:
            self.key_refused = ""
        headers = {"X-Api-Key": key, "Accept": "application/json"}
        content = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        try:
            answer = await self._exchange(
                method,
                f"{self._base}{path}{_query(query)}",
                headers=headers,
                content=content,
                largest=LARGEST_ANSWER,
                timeout=timeout,
                ca_file=self._ca_file,
            )
        except HttpTrouble as problem:
            trouble = Trouble.ADDRESS if problem.kind == NOT_TRUSTED else Trouble.DOWN
            message = f"{self.name} cannot be reached ({problem})"
            raise ArrTrouble(trouble, message) from None
        if 200 <= answer.status < 300:
            self.key_refused = ""
            return answer
        refusal = self._refusal(answer)
        if refusal.trouble is Trouble.KEY:
            self.key_refused = key
        raise refusal

    def _refusal(self, answer: Answer) -> ArrTrouble:
        status, name = answer.status, self.name
        if status in {401, 403}:
            trouble, said = Trouble.KEY, f"does not accept {name.upper()}_API_KEY"
        elif status < 400:
            trouble = Trouble.ADDRESS
            said = f"is not at {name.upper()}_URL but somewhere else; does it have a URL base?"
        elif status == 404:
            trouble, said = _unknown(answer, name)
        elif status in {408, 429} or status >= 500:
            trouble, said = Trouble.DOWN, "has trouble or is starting"
        else:
            trouble, said = Trouble.REFUSED, "refuses what it was asked"
        asked = backoff.retry_after(answer.headers.get("retry-after"), time.time())
        message = f"{name} {said} (HTTP {status})"
        return ArrTrouble(trouble, message, status=status, body=answer.body, retry_after=asked)


def _unknown(answer: Answer, name: str) -> tuple[Trouble, str]:
    """Tell "there is no such thing" from "there is no such API": only the first comes as JSON."""
    if "json" in answer.headers.get("content-type", ""):
        return Trouble.UNKNOWN, "knows nothing of it"
    return Trouble.ADDRESS, f"has no API at {name.upper()}_URL; does it have a URL base?"


def _query(query: dict[str, str | int | bool]) -> str:
    if not query:
        return ""
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
    }
    return f"?{urlencode(texts)}"
