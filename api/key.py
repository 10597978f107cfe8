"""The API key in force, as configured, changed or renewed, and the account it belongs to."""

import contextlib
import hashlib
import logging
from pathlib import Path
from typing import Self

from api import logs
from api.settings import Settings, SettingsError, read_secret
from engine.store import values
from engine.store.store import Store

RENEWED_KEY = "alldebrid_api_key"
"""Name in the store of a key that AllDebrid gave in the place of the configured one."""

ACCOUNT = "account"
"""Name in the store of the mark of the account that everything belongs to."""

logger = logging.getLogger("api.key")


class ConfiguredKey:
    """A key as it is configured: one that is in a file is read again when the file changes."""

    def __init__(self, name: str, key: str, path: Path | None) -> None:
        """`name` is the variable of the key; `path` is None for one from the environment."""
        self._name = name
        self._key = key
        self._path = path
        self._stamp = self._file_stamp()

    def __repr__(self) -> str:
        return f"<ConfiguredKey {self._name}>"

    def current(self) -> str:
        """Return the key; one whose file is gone or bad stays in force."""
        stamp = self._file_stamp()
        if self._path is not None and stamp != self._stamp:
            self._stamp = stamp
            with contextlib.suppress(SettingsError):
                self._key = read_secret(self._name, self._path)
                logs.hide(self._key)
                logger.info("key=read-again name=%s", self._name)
        return self._key

    def _file_stamp(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        with contextlib.suppress(OSError):
            status = self._path.stat()
            return status.st_mtime_ns, status.st_size, status.st_ino
        return None


class Key:
    """The API key: as configured, from its file if that changed, or as AllDebrid renewed it.

    A renewed key is kept in the store together with nothing else; it counts only until another
    key is configured.
    """

    def __init__(self, settings: Settings, store: Store, renewed: str) -> None:
        self._configured = ConfiguredKey(
            "ALLDEBRID_API_KEY", settings.alldebrid_api_key, settings.alldebrid_api_key_file
        )
        self._instead_of = settings.alldebrid_api_key
        self._store = store
        self._renewed = renewed

    @classmethod
    async def load(cls, settings: Settings, store: Store) -> Self:
        """Return the key that is configured, or the one AllDebrid gave instead of it."""
        kept = await store.run(lambda db: values.get(db, RENEWED_KEY)) or ""
        instead_of, _, renewed = kept.partition(" ")
        if instead_of != _fingerprint(settings.alldebrid_api_key):
            renewed = ""
        logs.hide(renewed)
        return cls(settings, store, renewed)

    def __repr__(self) -> str:
        return f"<Key renewed={bool(self._renewed)}>"

    def current(self) -> str:
        """Return the key to use now; a key file that changed is read again."""
        configured = self._configured.current()
        if configured != self._instead_of:
            self._instead_of, self._renewed = configured, ""
        return self._renewed or configured

    def renewed(self, key: str) -> None:
        """Keep the key that AllDebrid gave when the user approved this device."""
        logs.hide(key)
        self._renewed = key
        kept = f"{_fingerprint(self._instead_of)} {key}"
        self._store.submit(lambda db: values.put(db, RENEWED_KEY, kept))


class Account:
    """Which account the ids and links in the store belong to.

    Told by key and address: another key may be another account, and then AllDebrid's ids would be
    somebody else's torrents.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._mark = _fingerprint(f"{settings.alldebrid_api_url} {settings.alldebrid_api_key}")

    def __repr__(self) -> str:
        return f"<Account {self._mark}>"

    async def is_another(self) -> bool:
        """Tell whether what is stored belongs to another account."""
        kept = await self._store.run(lambda db: values.get(db, ACCOUNT))
        return kept not in (None, self._mark)

    async def remember(self) -> None:
        """Store that everything belongs to this account now."""
        await self._store.run(lambda db: values.put(db, ACCOUNT, self._mark))


def _fingerprint(key: str) -> str:
    """Return what tells one key from another and cannot be turned back into it."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
