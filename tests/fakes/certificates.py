"""Certificates a host may show: the right one, and what can be wrong with one."""

import datetime as dt
import enum
import ssl
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1", "files.example")
"""Whom a right certificate is for."""


class Certificate(enum.Enum):
    """What a host shows to whoever connects."""

    GOOD = enum.auto()
    """For the host, in date, and vouched for by whom the client trusts."""
    EXPIRED = enum.auto()
    """Out of date since yesterday."""
    NOT_YET_VALID = enum.auto()
    """Good from tomorrow on."""
    FOR_ANOTHER_NAME = enum.auto()
    """Good, but for somebody else."""
    FROM_A_STRANGER = enum.auto()
    """For the host, but vouched for by nobody the client trusts."""


WRONG = [each for each in Certificate if each is not Certificate.GOOD]


class Authority:
    """Vouches for one host."""

    def __init__(self, names: tuple[str, ...] = NAMES) -> None:
        self._names = names
        self._authority = trustme.CA()

    def write(self, path: Path) -> None:
        """Write what a client has to trust."""
        self._authority.cert_pem.write_to_path(str(path))

    def issue(self, kind: Certificate) -> ssl.SSLContext:
        """Return a server's context that shows such a certificate."""
        day, now = dt.timedelta(days=1), dt.datetime.now(dt.UTC)
        issuer = trustme.CA() if kind is Certificate.FROM_A_STRANGER else self._authority
        elsewhere = kind is Certificate.FOR_ANOTHER_NAME
        leaf = issuer.issue_cert(
            *(("elsewhere.example",) if elsewhere else self._names),
            not_before=now + day if kind is Certificate.NOT_YET_VALID else None,
            not_after=now - day if kind is Certificate.EXPIRED else None,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context
