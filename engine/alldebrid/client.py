"""AllDebrid's API as coroutines: what callers see of it.

Rules
    Errors that callers see are PERMANENT, SLOT, GONE, or RETRY when patience ran out; the rest is
    dealt with in `calls`.
    Everything may be asked for twice: uploads keep their id, deleting finds nothing, and so on.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from random import random as system_random

import msgspec

from engine.alldebrid import address, wire
from engine.alldebrid.calls import Calls, Settings
from engine.alldebrid.errors import (
    DELAYED_TOO_LONG,
    NO_FILES,
    NO_ID,
    NO_LINK,
    ApiError,
    Treatment,
)
from engine.alldebrid.forms import FilePart, Form
from engine.alldebrid.values import (
    MagnetStatus,
    Phase,
    RemoteFile,
    Unlocked,
    Uploaded,
    User,
)

__all__ = [
    "AllDebrid",
    "ApiError",
    "MagnetStatus",
    "Phase",
    "RemoteFile",
    "Settings",
    "Unlocked",
    "Uploaded",
    "User",
]

IDS_PER_CALL = 50
"""Torrents whose files are asked for in one call."""

HASH_LOOKUPS = 10
HASH_LOOKUP_INTERVAL = 1.0
"""An upload's id may be missing at first; the list has it within seconds."""

LISTING_WAITS = (2.0, 3.0, 5.0, 10.0, 15.0, 25.0)
"""Seconds between readings of a file list that is empty right after Ready: a minute in all."""

DELAYED_INTERVAL = 5.0
DELAYED_PATIENCE = 600.0
"""Seconds: AllDebrid asks for 5 at least between polls; other clients give up after 300 to 600."""

UNLOCK_TRIES = 3
"""How often a link is unlocked anew because AllDebrid forgot the delayed one."""


class AllDebrid:
    """AllDebrid for one account. All coroutines belong to one event loop.

    `key` returns the API key ("" for none), is asked before every request and must not raise.
    `on_new_key` is called with the key that AllDebrid gave instead when the user approved this
    device; from then on it stands in for the one that `key` returned. Raises address.BadAddress
    when the base address cannot be used.
    """

    def __init__(
        self,
        key: Callable[[], str],
        settings: Settings | None = None,
        *,
        on_new_key: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = system_random,
    ) -> None:
        self._calls = Calls(
            key,
            settings or Settings(),
            on_new_key=on_new_key,
            clock=clock,
            sleep=sleep,
            random=random,
        )
        self._sleep = sleep
        self.account = self._calls.account

    def __repr__(self) -> str:
        return f"<AllDebrid {self._calls!r}>"

    @property
    def trouble(self) -> str:
        """Why AllDebrid does not answer now, one sentence for the user; empty when it does.

        Trouble with the account is not among it: see `account`.
        """
        return self._calls.reach.trouble

    async def upload_magnet(self, uri: str, *, infohash: str = "") -> Uploaded:
        """Add a magnet, trackers and all; a known one keeps its id.

        `infohash` is the caller's own, for when AllDebrid's answer leaves it out.
        """
        return await self._upload("magnet/upload", [("magnets[]", uri)], "magnets", infohash)

    async def upload_file(self, metainfo: bytes, name: str, *, infohash: str = "") -> Uploaded:
        """Add a .torrent; `name` is for AllDebrid's eyes only."""
        part = FilePart(
            field="files[]",
            filename=_file_name(name),
            content=metainfo,
            content_type="application/x-bittorrent",
        )
        return await self._upload("magnet/upload/file", part, "files", infohash)

    async def statuses(self) -> list[MagnetStatus]:
        """Return all torrents of the account."""
        answer = await self._calls.call("magnet/status", [], wire.statuses)
        return [wire.status_from(change) for change in answer.changes]

    async def status_of(self, magnet_id: int) -> MagnetStatus:
        """Return one torrent. Raises ApiError GONE when the account does not have it."""
        form = [("id", str(magnet_id))]
        return await self._calls.call(
            "magnet/status", form, lambda data: wire.status_of(data, magnet_id)
        )

    async def changes(self, session: int, counter: int) -> wire.StatusAnswer:
        """Return what changed since `counter` in a live session; everything when it is 0."""
        form = [("session", str(session)), ("counter", str(counter))]
        return await self._calls.call("magnet/status", form, wire.statuses)

    async def files(self, ids: list[int]) -> dict[int, list[RemoteFile] | ApiError]:
        """Return the files of several torrents, sorted by path, or what is wrong with each.

        Right after Ready a list may still be empty: see `files_when_listed`.
        """
        found: dict[int, list[RemoteFile] | ApiError] = {}
        for start in range(0, len(ids), IDS_PER_CALL):
            some = ids[start : start + IDS_PER_CALL]
            form = [("id[]", str(magnet_id)) for magnet_id in some]
            found |= await self._calls.call("magnet/files", form, partial(wire.trees, ids=some))
        return found

    async def files_when_listed(self, magnet_id: int) -> list[RemoteFile]:
        """Return the files of a ready torrent, reading for about a minute while there are none.

        Raises the torrent's ApiError, or NO_FILES (RETRY) when the list stays empty.
        """
        for wait in (*LISTING_WAITS, None):
            result = (await self.files([magnet_id]))[magnet_id]
            if isinstance(result, ApiError):
                if result.code != NO_FILES:
                    raise result
            elif result:
                return result
            if wait is not None:
                await self._sleep(wait)
        raise ApiError(NO_FILES)

    async def delete(self, magnet_id: int) -> None:
        """Take a torrent off the account; one that is gone already is fine."""
        try:
            await self._calls.call("magnet/delete", [("id", str(magnet_id))], wire.done)
        except ApiError as error:
            if error.treatment is not Treatment.GONE:
                raise

    async def restart(self, magnet_id: int) -> None:
        """Have a failed torrent tried again; one that runs or is done already is fine."""
        try:
            await self._calls.call("magnet/restart", [("id", str(magnet_id))], wire.done)
        except ApiError as error:
            if error.code != "MAGNET_PROCESSING":
                raise

    async def unlock(self, link: str) -> Unlocked:
        """Turn a page link into a direct one, waiting up to ten minutes for a delayed one.

        ApiError GONE means that AllDebrid no longer has the content.
        """
        for _ in range(UNLOCK_TRIES):
            answer = await self._calls.call("link/unlock", [("link", link)], wire.unlocked)
            if not answer.delayed:
                return _allowed(answer.unlocked)
            try:
                url = await self._delayed(answer.delayed)
            except ApiError as error:
                if error.code != "DELAYED_INVALID_ID":
                    raise
            else:
                return _allowed(msgspec.structs.replace(answer.unlocked, url=url))
        raise ApiError("DELAYED_INVALID_ID")

    async def user(self) -> User:
        """Return the account."""
        return await self._calls.call("user", [], wire.user)

    async def ping(self) -> None:
        """Return when the API answers; takes no key."""
        await self._calls.call("ping", [], wire.done)

    async def close(self) -> None:
        """End the prober and close the connections."""
        await self._calls.close()

    async def _upload(
        self, endpoint: str, body: Form | FilePart, key: str, infohash: str
    ) -> Uploaded:
        uploaded = await self._calls.call(
            endpoint, body, lambda data: wire.uploaded(data, key, infohash)
        )
        lookups = HASH_LOOKUPS if uploaded.hash else 0
        for _ in range(lookups):
            if uploaded.id:
                break
            await self._sleep(HASH_LOOKUP_INTERVAL)
            same = (s.id for s in await self.statuses() if s.hash == uploaded.hash)
            uploaded = msgspec.structs.replace(uploaded, id=next(same, 0))
        if not uploaded.id:
            raise ApiError(NO_ID)
        return uploaded

    async def _delayed(self, delayed_id: int) -> str:
        waited = 0.0
        while waited < DELAYED_PATIENCE:
            await self._sleep(DELAYED_INTERVAL)
            waited += DELAYED_INTERVAL
            url = await self._calls.call(
                "link/delayed",
                [("id", str(delayed_id))],
                wire.delayed_link,
                unretried="DELAYED_INVALID_ID",
            )
            if url:
                return url
        raise ApiError(DELAYED_TOO_LONG)


_ODD_IN_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def _file_name(name: str) -> str:
    stem = _ODD_IN_FILE_NAME.sub("_", name.removesuffix(".torrent"))[:100].strip("._")
    return f"{stem or 'upload'}.torrent"


def _allowed(unlocked: Unlocked) -> Unlocked:
    try:
        return msgspec.structs.replace(unlocked, url=address.allowed_url(unlocked.url))
    except address.BadAddress as error:
        raise ApiError(NO_LINK, str(error)) from None
