"""One connection's thread: takes leases and fills the ring with them until there are none.

Theory
    A fetcher asks exactly for its lease's range and reads exactly that, so the connection can be
    used for the next lease. Whatever goes wrong, the lease goes back first, so that another
    connection can take the head of the file while this one waits before its next try.

    An idle connection that the server closed in the meantime fails before the first byte of an
    answer: that is nobody's fault, costs no patience, and a new connection is dialled at once.
"""

import logging
import threading
import time
from collections.abc import Callable

import msgspec

from engine.transfer.board import UNKNOWN_SIZE, Board
from engine.transfer.body import SCRATCH, Reader, open_body
from engine.transfer.errors import (
    ConnectionTrouble,
    LinkExpired,
    ServerBusy,
    ServerTrouble,
    Stopped,
    TransferError,
)
from engine.transfer.hosts import Hosts
from engine.transfer.http1 import Head, build_request
from engine.transfer.pace import Pace, Throttle
from engine.transfer.ranges import Body, RangeIgnored, Redirect, check
from engine.transfer.route import Place, Route
from engine.transfer.window import Lease
from engine.transfer.wire import Connection, Dialler, Pool

BUSY_PAUSE = 2.0
"""Seconds to leave a host alone that says it is busy but not for how long (JDownloader spaces
requests to AllDebrid's hosts by this much after a complaint)."""

LONGEST_PAUSE = 600.0
"""Seconds at most to leave a host alone, whatever it says: a date in the next century is an error
of the server's, and other downloads wait for the same host."""

logger = logging.getLogger("engine.transfer.fetcher")


class Network(msgspec.Struct, frozen=True):
    """What all downloads share on the way to their hosts."""

    dialler: Dialler
    pool: Pool
    hosts: Hosts


class Fetcher:
    """A connection of one download. `run` is its thread; `abort` may be called from any."""

    def __init__(
        self,
        number: int,
        board: Board,
        route: Route,
        network: Network,
        paces: tuple[Pace, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.number = number
        self.lease: Lease | None = None
        self.received = 0
        """Bytes of bodies, counted here because no two threads may add to one number."""
        self._board = board
        self._route = route
        self._network = network
        self._throttle = Throttle(paces, clock)
        self._clock = clock
        self._connection: Connection | None = None
        self.thread = threading.Thread(target=self.run, name=f"fetch-{number}", daemon=True)

    def __repr__(self) -> str:
        return f"<Fetcher {self.number} {self.lease!r} {self._connection!r}>"

    def abort(self) -> None:
        """Give the connection up; the lease goes back and is fetched anew. Any thread."""
        connection = self._connection
        if connection is not None:
            connection.abort()

    def run(self) -> None:
        """Work until no lease is left, the download ends, or this connection is one too many."""
        try:
            while (lease := self._board.take(self.number)) is not None:
                self.lease = lease
                pause = self._work_on(lease)
                if pause:
                    self._board.rest(pause)
        except BaseException as problem:  # a thread's last resort: tell the writer
            logger.exception("fetcher=failed")
            self._board.fail(problem)
        finally:
            self._hang_up(keep=True)

    def _work_on(self, lease: Lease) -> float:
        """Fetch a lease; return the seconds to wait before the next one."""
        place = None
        try:
            place = self._route.place()
            if place.link.max_connections:
                self._board.lower_cap(place.link.max_connections)
            pause = self._network.hosts.enter(place.url.origin)
            if pause:
                return pause
            try:
                self._fetch(lease, place)
            finally:
                self._network.hosts.leave(place.url.origin)
        except Stopped:
            return 0.0
        except TransferError as problem:
            self._hang_up(keep=False)
            return self._mend(problem, place, lease)
        else:
            return 0.0
        finally:
            self.lease = None
            self._board.give_back(lease)

    def _fetch(self, lease: Lease, place: Place) -> None:
        """Ask for the lease's range and read it into the ring."""
        board = self._board
        asked = (0, None) if board.unranged else (lease.cursor, lease.end)
        if asked[1] == UNKNOWN_SIZE:
            asked = (asked[0], None)
        head = self._ask(lease, place, asked)
        board.heard(lease)
        answer = check(head, asked=asked, expected=board.expected, now=time.time())
        if isinstance(answer, Redirect):
            self._hang_up(keep=False)
            self._route.redirected(place, answer.location)
            return
        connection = self._connection
        if connection is None:
            raise Stopped("stopped")
        board.accept(answer, lease)
        reader = open_body(connection, answer)
        if lease.cursor > answer.start:
            self._skip(lease, reader, lease.cursor - answer.start)
        self._read(lease, reader, answer)
        if not (reader.whole and answer.keep_alive):
            self._hang_up(keep=False)

    def _read(self, lease: Lease, reader: Reader, body: Body) -> None:
        """Read the body into the lease's memory, block by block."""
        board, clock = self._board, self._clock
        grant, spend = self._throttle.grant, self._throttle.spend
        read_into = reader.read_into
        while (view := board.claim(lease)) is not None:
            filled, room = 0, len(view)
            while filled < room:
                granted = grant(room - filled) or self._turn(lease, room - filled)
                if not granted:
                    return
                lease.waiting_since = clock()
                count = read_into(view[filled : filled + granted])
                if not count:
                    self._end_early(lease, body)
                    return
                filled += count
                lease.cursor += count
                self.received += count
                spend(count)
            self._route.worked()
        lease.waiting_since = None

    def _turn(self, lease: Lease, wanted: int) -> int:
        """Wait until the limits let us read; return how many bytes, 0 when the download ends."""
        since = self._clock()
        while not (granted := self._throttle.grant(wanted)):
            lease.waiting_since = None  # it waits for us, not for the server
            if self._board.stopping.wait(self._throttle.nap):
                return 0
        lease.put_off(self._clock() - since)
        return granted

    def _end_early(self, lease: Lease, body: Body) -> None:
        """The body ended before the lease: it may, where the answer said so or knew no length."""
        if body.end is None:
            self._board.found_end(lease.cursor)
        elif lease.cursor < min(body.end, lease.end):
            raise ServerTrouble("the server sent less than it announced")

    def _skip(self, lease: Lease, reader: Reader, count: int) -> None:
        """Read and drop what is there already: this server can only begin at the beginning."""
        scratch = memoryview(bytearray(SCRATCH))
        while count:
            granted = self._turn(lease, min(count, SCRATCH))
            if not granted:
                raise Stopped("stopped")
            lease.waiting_since = self._clock()
            read = reader.read_into(scratch[:granted])
            if not read:
                raise ServerTrouble("the server sent less than it had sent before")
            self._throttle.spend(read)
            count -= read

    def _ask(self, lease: Lease, place: Place, asked: tuple[int, int | None]) -> Head:
        url = place.url
        start, end = asked
        validator = self._board.expected.validator
        request = build_request(url, start, end, validator=validator)
        if self._connection is not None and self._connection.origin != url.origin:
            self._hang_up(keep=True)
        kept = self._connection or self._pick_up(self._network.pool.take(url.origin))
        if kept is not None:
            try:
                lease.asked_at = lease.waiting_since = self._clock()
                return kept.ask(request)
            except (ConnectionTrouble, ServerTrouble):
                if self._board.stopping.is_set() or kept.aborted:
                    raise
                self._hang_up(keep=False)  # it was idle too long: nobody's fault
        lease.asked_at = lease.waiting_since = None
        fresh = self._network.dialler.dial(url, self._board.stopping)
        self._pick_up(fresh)
        lease.asked_at = lease.waiting_since = self._clock()
        return fresh.ask(request)

    def _mend(self, problem: TransferError, place: Place | None, lease: Lease) -> float:
        """Do about a failure what can be done; return the seconds until the next try."""
        board = self._board
        if board.stopping.is_set():
            return 0.0
        logger.debug("fetcher=%d problem=%s", self.number, problem)
        try:
            if isinstance(problem, RangeIgnored) and not board.answered:
                board.no_ranges()
                return 0.0
            if place is not None and isinstance(problem, LinkExpired):
                self._route.expired(place, problem)
        except (ConnectionTrouble, ServerTrouble, ServerBusy) as trouble:
            problem = trouble  # no fresh link now; perhaps with the next try
        except TransferError as final:
            board.fail(final)
            return 0.0
        delay = board.stumbled(problem, lease)
        if place is not None and isinstance(problem, ServerBusy):
            pause = max(delay, min(problem.retry_after or BUSY_PAUSE, LONGEST_PAUSE))
            self._network.hosts.complain(place.url.origin, pause)
        return delay

    def _pick_up(self, connection: Connection | None) -> Connection | None:
        self._connection = connection
        if connection is not None:
            self._board.joined(+1)
            if self._board.stopping.is_set():
                connection.abort()  # the stop came while we dialled and could not reach us
        return connection

    def _hang_up(self, *, keep: bool) -> None:
        """Part with the connection: into the pool if it may serve again, else closed."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._board.joined(-1)
        if keep and not self._board.stopping.is_set():
            self._network.pool.put(connection)
        else:
            connection.close()
