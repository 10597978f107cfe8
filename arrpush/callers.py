"""By which address the programs reach us, learnt from their own calls.

Theory
    A program fetches a .torrent from us by a URL that we make up, so we have to know how it reaches
    us. It does so every minute, to ask for its torrents, and says in Host by which name.

    But anybody may say anything there, as long as nobody has to log in: whoever sends a Host of his
    own would get the link, and the .torrent with its passkey. So a Host counts only when it comes
    from who has logged in, or from the machine that the program's own URL leads to.

    What was learnt is stored: after a start releases may go out before the program has called.
"""

import asyncio
import contextlib
import ipaddress
from collections.abc import Awaitable, Callable, Collection, Mapping
from urllib.parse import urlsplit

from engine.store import values
from engine.store.errors import StoreError
from engine.store.store import Connection, Store

Resolve = Callable[[str], Awaitable[Collection[str]]]
"""Returns the addresses of a host name. Raises OSError."""

LOOKS_APART = 60.0
"""Seconds between two looks whether a program is at an address: others may claim to be it as often
as they like."""

ADDRESSES = 32
"""Addresses that are remembered as looked at; the first one is forgotten first."""

NAME = "arrpush_base_"
"""Begins the names of the values in the store; the program follows."""


async def resolved(host: str) -> Collection[str]:
    """Return the addresses of a host name. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None)
    return {str(address[4][0]) for address in found}


class Callers:
    """Knows by which address each program reaches us. The event loop's thread only."""

    def __init__(
        self,
        store: Store,
        urls: Mapping[str, str],
        monotonic: Callable[[], float],
        resolve: Resolve = resolved,
    ) -> None:
        """`urls` are the addresses of the programs, by what they call themselves."""
        self._store = store
        self._hosts = {name: urlsplit(url).hostname or "" for name, url in urls.items()}
        self._monotonic = monotonic
        self._resolve = resolve
        self._bases: dict[str, str] = {}
        self._looked_at: dict[tuple[str, str], float] = {}
        self._looking: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Callers {', '.join(self._bases) or 'nobody yet'}>"

    async def load(self) -> None:
        """Read what was learnt before. Raises StoreError."""
        self._bases = await self._store.run(self._read)

    async def stop(self) -> None:
        """Learn nothing more."""
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    def base(self, program: str) -> str:
        """Return where a program reaches us, such as `http://nas:6500`; "" for not known."""
        return self._bases.get(program, "")

    def program(self, agent: str) -> str:
        """Return the program that has this User-Agent, "" for any other."""
        return next((one for one in self._hosts if agent.lower().startswith(f"{one}/")), "")

    def called(self, agent: str, base: str, address: str) -> None:
        """Note that who calls himself `agent` has reached us at `base`; returns at once.

        `address` is where he called from, "" for one who has logged in.
        """
        program = self.program(agent)
        if not program or not base or base == self.base(program):
            return
        if not address:
            self._learn(program, base)
        elif self._may_look(program, address):
            task = asyncio.create_task(self._check(program, base, address))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    def _may_look(self, program: str, address: str) -> bool:
        """Tell whether it is time to look whether a program is at an address; note that."""
        now, looked = self._monotonic(), self._looked_at
        if now - looked.get((program, address), float("-inf")) < LOOKS_APART:
            return False
        looked[program, address] = now
        if len(looked) > ADDRESSES:
            del looked[next(iter(looked))]
        return True

    async def _check(self, program: str, base: str, address: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            addresses = await self._resolve(self._hosts[program])
            if _plain(address) in set(map(_plain, addresses)):
                self._learn(program, base)

    def _learn(self, program: str, base: str) -> None:
        self._bases[program] = base
        with contextlib.suppress(StoreError):  # it is learnt again after the next start
            self._store.submit(lambda db: values.put(db, f"{NAME}{program}", base))

    def _read(self, db: Connection) -> dict[str, str]:
        found = {one: values.get(db, f"{NAME}{one}") for one in self._hosts}
        return {one: base for one, base in found.items() if base}


def _plain(address: str) -> str:
    """Return an address in one spelling. Raises ValueError."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)
