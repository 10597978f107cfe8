"""Who may announce releases: whoever knows the token.

Autobrr cannot set a header, so the token may come in many ways: in the query, as userinfo in the
URL (which becomes Basic authentication), or in either header that programs use. Any right one will
do: Basic may be there for a proxy in front of us.

What is kept of the token is its HMAC under a random key that lives as long as the process; see
`api.qbittorrent.login`, which keeps a password so and says why that is enough. All that is offered
is compared, each in a time that does not tell where it is wrong.
"""

import binascii
import hmac
import itertools
import secrets
from collections.abc import Iterable, Iterator

KEY_BYTES = 32
"""As many as SHA-256 gives: more would not make it harder."""

MOST_OFFERED = 16
"""Tokens in one request that are looked at; a program sends one or two."""

LONGEST = 1024
"""Bytes of a token; longer ones are not looked at."""

PARAMETERS = frozenset({"apikey", "token"})
"""What the token is called in a query."""


class Door:
    """Lets those in who know the token. Any thread; nothing of the token is in the repr."""

    def __init__(self, token: str = "") -> None:
        """`token`: "" leaves the door open to everybody.

        Raises ValueError for a token that is longer than LONGEST, for nobody could use it.
        """
        encoded = token.encode("utf-8", "surrogateescape")
        if len(encoded) > LONGEST:
            raise ValueError(f"a token has at most {LONGEST} bytes")
        self.open = not encoded
        """True when nobody needs a token."""
        self._key = secrets.token_bytes(KEY_BYTES)
        self._digest = self._digest_of(encoded)

    def __repr__(self) -> str:
        return f"<Door {'open' if self.open else 'with a token'}>"

    def admits(
        self, query: Iterable[tuple[str, str]], headers: Iterable[tuple[bytes, bytes]]
    ) -> bool:
        """Return whether a request brings the token.

        `query` is what came in the URL, decoded; `headers` have lower-case names.
        """
        if self.open:
            return True
        offered = itertools.islice(_offered(query, headers), MOST_OFFERED)
        right = [hmac.compare_digest(self._digest_of(token), self._digest) for token in offered]
        return any(right)  # the right one has not kept the others from being compared

    def _digest_of(self, token: bytes) -> bytes:
        return hmac.digest(self._key, token, "sha256")


def _offered(
    query: Iterable[tuple[str, str]], headers: Iterable[tuple[bytes, bytes]]
) -> Iterator[bytes]:
    """Yield what may be the token."""
    tokens = itertools.chain(_in_query(query), _in_headers(headers))
    return (token for token in tokens if 0 < len(token) <= LONGEST)


def _in_query(query: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    for name, value in query:
        if name.lower() in PARAMETERS:
            yield value.encode("utf-8", "replace")
            if " " in value:
                # A plus sign that was not escaped has become a blank.
                yield value.replace(" ", "+").encode("utf-8", "replace")


def _in_headers(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    for name, value in headers:
        if name == b"x-api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, rest = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                yield rest.strip()
            elif scheme.lower() == b"basic":
                yield from _basic(rest)


def _basic(encoded: bytes) -> Iterator[bytes]:
    """Yield user and password; nothing when they cannot be read."""
    try:
        user, _, password = binascii.a2b_base64(encoded + b"==").partition(b":")
    except binascii.Error:
        return
    yield user
    yield password
