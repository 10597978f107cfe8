"""One call from the gate to its answer: key, endpoint, rate budget, retries.

Rules
    Every request waits for the account's gate, then for its turn in the rate budget.
    RETRY errors are retried here, within `Settings.patience`; ACCOUNT trouble is waited out without
    a limit. What the caller of a call sees is a result, or an ApiError that is PERMANENT, SLOT,
    GONE, or RETRY when patience ran out.
    The key leaves here in the Authorization header only.

What breaks if you edit
    `ENDPOINTS` mixes v4 and v4.1 because AllDebrid does: moving all to one version leaves what is
    documented, and `v4/magnet/status` is discontinued.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from random import random as system_random
from typing import TypeVar

import msgspec

from engine.alldebrid import address, wire
from engine.alldebrid.account import Account
from engine.alldebrid.budget import RateBudget
from engine.alldebrid.errors import ApiError, Treatment, rule_of
from engine.alldebrid.forms import FilePart, Form
from engine.alldebrid.lenient import JsonObject
from engine.alldebrid.reach import Reach
from engine.alldebrid.transport import Transport
from engine.alldebrid.values import Verdict
from engine.http import backoff

logger = logging.getLogger("engine.alldebrid.calls")

T = TypeVar("T")

BASE_URL = "https://api.alldebrid.com"

PATIENCE = 120.0
"""Seconds that a call is retried before its caller hears of the trouble and can show it."""

TIMEOUT = 60.0
"""Seconds for one exchange; AllDebrid thinks a while about large .torrents."""

SHORTEST_SLEEP = 0.001
"""Seconds; keeps rounding from making a wait of nothing into a busy loop."""


SHORTEST_KEY = 8
"""Characters; what is shorter is no key of AllDebrid's (20) and may be part of any word."""


class Endpoint(msgspec.Struct, frozen=True):
    """Where and how one call is made."""

    version: str = "v4"
    method: str = "POST"
    public: bool = False
    """True when it takes no key."""


ENDPOINTS: dict[str, Endpoint] = {
    "ping": Endpoint(method="GET", public=True),
    "user": Endpoint(method="GET"),
    "user/verif": Endpoint(public=True),
    "magnet/upload": Endpoint(),
    "magnet/upload/file": Endpoint(),
    "magnet/status": Endpoint(version="v4.1"),
    "magnet/files": Endpoint(),
    "magnet/delete": Endpoint(),
    "magnet/restart": Endpoint(),
    "link/unlock": Endpoint(),
    "link/delayed": Endpoint(),
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How AllDebrid is reached."""

    base_url: str = BASE_URL
    """Without the version; plain http only for loopback and private addresses."""
    ca_file: str | None = None
    """Certificates to trust instead of the system's (SSL_CERT_FILE)."""
    versions: Mapping[str, str] = {}
    """Versions of endpoints where they differ from `ENDPOINTS`: {"magnet/files": "v4.1"}."""
    patience: float = PATIENCE
    """Seconds one call is retried; waiting for the account does not count."""
    timeout: float = TIMEOUT


class Calls:
    """The calls of one account. All coroutines belong to one event loop.

    `key` returns the API key ("" for none), is asked before every request and must not raise.
    `on_new_key` is called with the key that AllDebrid gave instead when the user approved this
    device; from then on it stands in for the one that `key` returned. Raises address.BadAddress
    when the base address cannot be used.
    """

    def __init__(
        self,
        key: Callable[[], str],
        settings: Settings,
        *,
        on_new_key: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = system_random,
    ) -> None:
        self._given_key = key
        self._settings = settings
        self._base = address.base_url(settings.base_url)
        self._on_new_key = on_new_key
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._replaced: tuple[str, str] | None = None
        """The key that was given and the one AllDebrid wants instead."""
        self._budget = RateBudget()
        self._turn = asyncio.Lock()
        self._transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
        self.reach = Reach(clock)
        self.account = Account(
            probe=lambda: self._ask("user", []),
            verify=self._verify,
            key=self._key,
            sleep=sleep,
            random=random,
        )

    def __repr__(self) -> str:
        return f"<Calls {self.account!r} {self._budget!r}>"

    async def call(
        self,
        endpoint: str,
        body: Form | FilePart,
        read: Callable[[JsonObject], T],
        *,
        unretried: str = "",
    ) -> T:
        """Ask until there is an answer or it is the caller's turn to decide.

        `read` may raise the errors of single items: they count like errors of the whole answer.
        """
        spent = 0.0
        attempt = 0
        while True:
            began = self._clock()
            try:
                async with self.account.attempt(endpoint):
                    began = self._clock()
                    answer = read(await self._ask(endpoint, body))
            except ApiError as error:
                self.reach.failed(endpoint, error, attempt)
                if error.treatment is Treatment.ACCOUNT:
                    continue
                if error.code == unretried:
                    raise
                spent += self._clock() - began
                pause = self._pause(error, attempt, spent)
            else:
                self.reach.answered(endpoint)
                return answer
            logger.debug("endpoint=%s attempt=%d pause=%.1f", endpoint, attempt, pause)
            spent += pause
            attempt += 1
            await self._sleep(pause)

    async def close(self) -> None:
        """End the prober and close the connections."""
        await self.account.close()
        await self._transport.close()

    def _pause(self, error: ApiError, attempt: int, spent: float) -> float:
        """Return the seconds before the next attempt, or raise what the caller shall see."""
        if error.treatment is Treatment.IGNORE:
            raise error.as_permanent()
        if error.treatment is not Treatment.RETRY:
            raise error
        tries = rule_of(error.code).tries
        if tries and attempt + 1 >= tries:
            raise error.as_permanent()
        pause = max(backoff.delay(attempt, self._random), error.retry_after or 0.0)
        if spent + pause > self._settings.patience:
            raise error
        return pause

    async def _ask(self, endpoint: str, body: Form | FilePart) -> JsonObject:
        """Make one request and return its data. Raises ApiError."""
        where = ENDPOINTS[endpoint]
        key = "" if where.public else self._key()
        if not where.public and not _KEY.fullmatch(key):
            raise ApiError("AUTH_BAD_APIKEY" if key else "AUTH_MISSING_APIKEY")
        version = self._settings.versions.get(endpoint, where.version)
        url = f"{self._base}/{version}/{endpoint}"
        await self._take_turn()
        started = self._clock()
        answer = await self._transport.send(
            where.method, url, key, body if where.method == "POST" else None
        )
        try:
            data = wire.data_of(answer.status, _without(key, answer.body), answer.retry_after)
        except ApiError as error:
            if answer.status in wire.BUSY and error.treatment is Treatment.RETRY:
                now = self._clock()
                error.retry_after = self._budget.refused(
                    started, now, answer.retry_after, self._random
                )
                logger.info("rate=held seconds=%.1f", error.retry_after)
            raise
        self._budget.accepted()
        return data

    async def _take_turn(self) -> None:
        """Wait until the rate budget has room for one request; first come, first served."""
        async with self._turn:
            while (wait := self._budget.delay(self._clock())) > 0:
                await self._sleep(max(wait, SHORTEST_SLEEP))
            self._budget.start(self._clock())

    def _key(self) -> str:
        given = self._given_key().strip()
        if self._replaced is not None and self._replaced[0] == given:
            return self._replaced[1]
        return given

    async def _verify(self, token: str) -> wire.Confirmation:
        """Ask what became of the e-mail; no answer counts as waiting."""
        try:
            found = wire.confirmation(await self._ask("user/verif", [("token", token)]))
        except ApiError as error:
            dead = error.code.startswith("PIN_")
            return wire.Confirmation(Verdict.EXPIRED if dead else Verdict.WAITING)
        if found.verdict is Verdict.ALLOWED and found.key and found.key != self._key():
            self._replaced = (self._given_key().strip(), found.key)
            if self._on_new_key is not None:
                self._on_new_key(found.key)
        return found


def _without(key: str, body: bytes) -> bytes:
    """Return an answer in which AllDebrid does not repeat our key: its texts reach logs."""
    return body.replace(key.encode(), b"[key]") if len(key) >= SHORTEST_KEY else body


_KEY = re.compile(r"[\x21-\x7e]+")
"""What may stand in a header; anything else in a key is a slip of the user's."""
