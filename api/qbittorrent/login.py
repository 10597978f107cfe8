"""User name and password that the API asks for, without the password.

What is kept of the password is its HMAC under a random key that lives as long as the process, so
it is in no repr, no preferences and no dump of the settings, and two processes keep different
bytes for one password. It is compared in a time that does not tell where a guess is wrong.

Scrypt and its kin would be the choice for a file that can be stolen. This digest never leaves the
memory, where the key lies beside it, and there are programs that log in before every call: 50 ms of
one core for each of them would be a worse hole than the one they close. Guessing from outside is
what `bans` ends.
"""

import hmac
import secrets

import msgspec

KEY_BYTES = 32
"""As many as SHA-256 gives: more would not make it harder."""


class Login(msgspec.Struct, frozen=True):
    """What has to be given to log in; both blank leave the API open to everybody."""

    username: str = ""
    key: bytes = b""
    digest: bytes = b""

    def __repr__(self) -> str:
        return f"Login(username={self.username!r})"

    @classmethod
    def of(cls, username: str, password: str) -> "Login":
        """Return the login of a user. Raises ValueError when only one of both is blank."""
        if not username and not password:
            return OPEN
        if not username or not password:
            raise ValueError("a login has a user name and a password, or neither")
        key = secrets.token_bytes(KEY_BYTES)
        return cls(username, key, _digest(key, password))

    @property
    def open(self) -> bool:
        """True when nobody has to log in."""
        return not self.digest

    def admits(self, username: str, password: str) -> bool:
        """Return whether these are the right ones; both are compared whatever the first says."""
        if self.open:
            return True
        user = hmac.compare_digest(_encoded(username), _encoded(self.username))
        return hmac.compare_digest(_digest(self.key, password), self.digest) and user


OPEN = Login()
"""No login is asked for."""


def _digest(key: bytes, password: str) -> bytes:
    return hmac.digest(key, _encoded(password), "sha256")


def _encoded(text: str) -> bytes:
    # surrogateescape: a setting read from the environment may hold bytes that are no UTF-8. What a
    # request holds is decoded from UTF-8, so it has no lone surrogates.
    return text.encode("utf-8", "surrogateescape")
