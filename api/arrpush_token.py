"""The token that whoever announces releases has to give.

Autobrr cannot set a header, so the token stands in the URL that is typed there, and has to stay the
same. One that is made up here is shown once and kept in a file that only this user may read.
"""

import contextlib
import ipaddress
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from api import kinds
from api.settings import SettingsError

FILE = "arrpush.token"
"""Name of the file below CONFIG_DIR."""

BYTES = 24
"""Random bytes of a token that is made up: 32 characters."""


class BadToken(SettingsError):
    """The file with the token cannot be used; the message says why in one line."""


def needed(host: str) -> bool:
    """Tell whether a token is asked for where HOST is `host`: others than this machine connect."""
    with contextlib.suppress(ValueError):
        return not ipaddress.ip_address(host).is_loopback
    return host.lower().rstrip(".") != "localhost"


def kept(folder: Path, tell: Callable[[str], None]) -> str:
    """Return the token that is kept in a folder; make one up if there is none, and tell of it.

    Raises BadToken.
    """
    path = folder / FILE
    try:
        return _made_up(path, tell) if not path.exists() else _read(path)
    except OSError as problem:
        line = f"{path}: the token cannot be kept there ({problem.strerror}); set ARRPUSH_TOKEN"
        raise BadToken([line]) from None


def _read(path: Path) -> str:
    try:
        return str(kinds.token().parse(path.read_text().strip()))
    except (kinds.BadValue, UnicodeError):
        line = (
            f"{path}: holds no token; accepted: {kinds.token().accepts}. Remove the file to have a"
            " new one made up"
        )
        raise BadToken([line]) from None


def _made_up(path: Path, tell: Callable[[str], None]) -> str:
    token = secrets.token_urlsafe(BYTES)
    # Complete or not there: a token cut short by a power cut would lock everybody out.
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{token}\n")
        file.flush()
        os.fsync(descriptor)
    draft.rename(path)
    tell(
        f"ARRPUSH_TOKEN is not set, so one was made up, and is kept in {path}; Autobrr's webhook,"
        f" shown this once: http://HOST:PORT/arrpush?target=auto&apikey={token}"
    )
    return token
