"""`alldebrid-client bench --service`: what a running service makes of one torrent.

Theory
    Everything is seen through the service's qBittorrent Web API, five times a second: the torrent's
    state, and the bytes that the service has received since it began. The latter count for all its
    downloads, so other torrents should be at rest; how many are not is told. They also count at
    once, where the bytes of the torrent itself count when they are written.

    The memory is that of the process which answers, when that is on this machine.

Guarantees
    A torrent that the service had before is left alone. What was added is removed again, with its
    files, however this ends but by SIGKILL: it has a tag of its own, and nothing without that tag
    is ever removed.
"""

import contextlib
import secrets
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from api import streams
from api.bar import Bar, Shown, duration
from api.bench.figures import Readings
from api.bench.process import Meter
from api.bench.result import Result, report, result_of
from api.bench.table import MB
from api.bench.told import Complain, interrupting, told
from api.bench.webapi import ServiceError, Torrent, WebApi
from api.target import Refused
from engine.metainfo import BadMetainfo, parse_magnet, parse_torrent

POLL = 0.2
"""Seconds between two looks at the service: often enough to see a pause, at no cost to it."""

MAX_TORRENT = 10 << 20
"""Bytes of a .torrent file; the service takes no larger request."""

FINISHED = frozenset({"pausedUP", "stoppedUP", "uploading", "stalledUP", "queuedUP", "forcedUP"})
"""States of torrents whose files are complete, verified and in their place."""

FAILED = frozenset({"error", "missingFiles"})

DOWNLOADING = frozenset({"downloading", "forcedDL"})


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. The magnet and the password are secrets."""

    service: str
    """Base URL."""
    torrent: str
    """Path of a .torrent file, a magnet URI or an infohash."""
    username: str = ""
    password: str = ""
    ca_file: Path | None = None
    timeout: float
    """Seconds until the torrent has to be finished."""
    keep: bool = False
    json: bool = False

    def __repr__(self) -> str:
        return f"<Options service={self.service!r}>"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What to add: a magnet or the bytes of a .torrent file."""

    infohash: str
    magnet: str = ""
    metainfo: bytes = b""

    def __repr__(self) -> str:
        return f"<Source {self.infohash}>"


def bench_service(
    options: Options,
    complain: Complain,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Let a service download a torrent, report, and return the exit status.

    `complain` prints one line of error. Call it from the main thread: elsewhere signals are left
    alone. Raises OutputLost.
    """

    def work() -> None:
        source = read_source(options.torrent)
        with (
            interrupting() as shield,
            WebApi(options.service, ca_file=options.ca_file) as api,
        ):
            if options.username or options.password:
                api.log_in(options.username, options.password)
            guest = _Guest(api, source, shield, complain)
            guest.check_absent()
            with contextlib.nullcontext() if options.keep else guest.removed():
                result = _Watch(api, guest, clock, sleep).run(options.timeout)
                text = msgspec.json.encode(result).decode() if options.json else report(result)
                streams.say(text)

    return told(work, complain)


def read_source(text: str) -> Source:
    """Return what to add. Raises Refused when it is neither a torrent file nor a magnet."""
    try:
        if text.lower().startswith("magnet:") or not Path(text).exists():
            magnet = parse_magnet(text)
            return Source(infohash=magnet.infohash, magnet=magnet.uri)
        with Path(text).open("rb") as file:
            metainfo = file.read(MAX_TORRENT)
        return Source(infohash=parse_torrent(metainfo).infohash, metainfo=metainfo)
    except BadMetainfo as error:
        raise Refused(f"--torrent: {error}") from None
    except OSError as error:
        raise Refused(f"--torrent: it cannot be read ({error.strerror})") from None


class _Guest:
    """A torrent that is in a service for as long as it is measured."""

    def __init__(
        self, api: WebApi, source: Source, shield: Callable[[], None], complain: Complain
    ) -> None:
        self._api = api
        self._source = source
        self._shield = shield
        self._complain = complain
        self._tag = f"bench-{secrets.token_hex(4)}"
        self._seen = False

    def __repr__(self) -> str:
        return f"<_Guest {self._source.infohash} {self._tag}>"

    def check_absent(self) -> None:
        """Raise Refused when the service has the torrent already: it is somebody's."""
        if self._api.torrents(self._source.infohash):
            raise Refused("the service has this torrent already; measure another, or remove it")

    def add(self) -> None:
        """Add it."""
        self._api.add(tag=self._tag, magnet=self._source.magnet, metainfo=self._source.metainfo)

    def look(self) -> Torrent | None:
        """Return it as it stands; None while the service does not list it yet.

        Raises ServiceError when it failed or is gone.
        """
        found = self._api.torrents(self._source.infohash)
        if not found:
            if self._seen:
                raise ServiceError("somebody removed the torrent from the service")
            return None
        self._seen = True
        if found[0].state in FAILED:
            reason = self._api.reason(self._source.infohash)
            raise ServiceError(f"the torrent failed (state {found[0].state}): {reason or '?'}")
        return found[0]

    @contextlib.contextmanager
    def removed(self) -> Iterator[None]:
        """Remove it afterwards."""
        try:
            yield
        except BaseException:
            try:
                self._remove()
            except ServiceError as problem:
                self._complain(str(problem))
            raise
        self._remove()

    def _remove(self) -> None:
        self._shield()
        self._api.close()  # it may have been interrupted within an answer
        try:
            for found in self._api.torrents(self._source.infohash):
                if self._tag in found.tags.split(", "):
                    self._api.delete(found.hash)
        except ServiceError as problem:
            raise ServiceError(
                f"{problem}; the torrent may still be there, with the tag {self._tag}"
            ) from None
        with contextlib.suppress(ServiceError):  # a tag without a torrent harms nobody
            self._api.delete_tag(self._tag)


class _Watch:
    """Follows a torrent from its being added to its end, and notes what is to be seen."""

    def __init__(
        self,
        api: WebApi,
        guest: _Guest,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._api = api
        self._guest = guest
        self._clock = clock
        self._sleep = sleep
        self._bar = Bar(sys.stderr) if sys.stderr.isatty() else None
        self._other = sum(torrent.state in DOWNLOADING for torrent in api.torrents())
        self._received_before = api.transfer().dl_info_data
        self._meter = Meter(api.process())
        self._readings = Readings()
        self._answers = array("d")
        self._began = clock()
        self._written_at: float | None = None

    def __repr__(self) -> str:
        return f"<_Watch {self._guest!r}>"

    def run(self, timeout: float) -> Result:
        """Add the torrent and follow it. Raises ServiceError."""
        self._readings.add(0.0, 0)
        self._guest.add()
        try:
            while True:
                torrent = self._look()
                if torrent is not None and torrent.state in FINISHED:
                    return self._result(torrent)
                if self._readings.times[-1] >= timeout:
                    state = torrent.state if torrent else "not listed"
                    raise ServiceError(
                        f"the torrent is not finished after {timeout:g} s (state {state})"
                    )
                self._sleep(POLL)
        finally:
            if self._bar:
                self._bar.clear()

    def _look(self) -> Torrent | None:
        asked = self._clock()
        torrent = self._guest.look()
        now = self._clock()
        self._answers.append(now - asked)
        received = self._api.transfer().dl_info_data - self._received_before
        self._meter.read()
        # A service that does not count what it receives tells at least what is written.
        completed = torrent.completed if torrent else 0
        self._readings.add(now - self._began, max(received, completed))
        if torrent is None:
            return None
        written = torrent.completed >= torrent.size > 0 or torrent.state in FINISHED
        if written and self._written_at is None:
            self._written_at = now - self._began
        if self._bar:
            self._draw(self._bar, torrent)
        return torrent

    def _draw(self, bar: Bar, torrent: Torrent) -> None:
        resident = self._meter.last
        if torrent.state not in DOWNLOADING or resident is None:
            elapsed = duration(self._readings.times[-1])
            share = torrent.completed / torrent.size if torrent.size else 0
            bar.say(f"{torrent.state}  {share:.0%}  {torrent.dlspeed / MB:.1f} MB/s  {elapsed}")
            return
        bar.draw(
            Shown(
                received=torrent.completed,
                size=torrent.size,
                speed=torrent.dlspeed,
                resident=resident,
            )
        )

    def _result(self, torrent: Torrent) -> Result:
        return result_of(
            size=torrent.size,
            written_at=self._written_at or 0.0,
            readings=self._readings,
            answers=self._answers,
            meter=self._meter,
            other=self._other,
        )
