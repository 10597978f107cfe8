"""The connections of one download, and who looks after them: how many, how far, which is stuck.

Theory
    A thread of its own looks at the board every few milliseconds, and lets pure parts decide:
    `parallelism` the number of connections, `ringsize` the ring's capacity, `stalls` which
    connection is given up. The writer's thread can't do that: it blocks in writes for as long as
    the disk takes, and a late range has to be seen before the ring has run empty.

    It looks as often as the shortest wait that matters here: a fraction of how long a first byte
    usually takes on this line, between `SHORTEST_TICK` and `TICK`.

Rules
    Fetchers are hired and counted by this thread only; `abort`, `received` and `speed` may be
    called from any. Every change of a number is one log line with its reason.
"""

import logging
import threading
from collections.abc import Callable

from engine.transfer.board import Board
from engine.transfer.fetcher import Fetcher
from engine.transfer.parallelism import Parallelism
from engine.transfer.ringsize import RingSize, Sight
from engine.transfer.stalls import Stalls
from engine.transfer.window import Lease

SHORTEST_TICK, TICK = 0.01, 0.1
"""Seconds between two looks at the connections."""

SPEED_PERIOD = 0.5
"""Seconds of one measurement of the speed that is shown."""

SMOOTHING = 0.3
"""Weight of the newest measurement in it."""

JOIN_TIMEOUT = 2.0
"""Seconds to wait for threads that are on their way out; only one that is connecting takes longer,
and it touches nothing of the download any more."""

logger = logging.getLogger("engine.transfer.crew")


class Crew:
    """The connections of one download; see the module's theory."""

    def __init__(
        self,
        board: Board,
        hire: Callable[[int], Fetcher],
        *,
        parallelism: Parallelism,
        ring_size: RingSize,
        clock: Callable[[], float],
    ) -> None:
        self._board = board
        self._make = hire
        self._parallelism = parallelism
        self._ring_size = ring_size
        self._stalls = Stalls()
        self._clock = clock
        self._fetchers: list[Fetcher] = []
        self._gone = 0
        self._speed = _Speed(clock())
        self._disk = _Share(clock())
        self._heard_at = clock()
        self._heard = 0
        self._thread = threading.Thread(target=self._run, name="crew", daemon=True)

    def __repr__(self) -> str:
        return f"<Crew of {len(self._fetchers)}>"

    @property
    def speed(self) -> float:
        """Bytes per second received lately. Any thread."""
        return self._speed.value

    @property
    def received(self) -> int:
        """Bytes received by all connections so far. Any thread."""
        return self._gone + sum(fetcher.received for fetcher in list(self._fetchers))

    def start(self) -> None:
        """Begin to fetch."""
        self._hire()
        self._thread.start()

    def abort(self) -> None:
        """Wake all connections; the board says that it is over. Any thread."""
        for fetcher in list(self._fetchers):
            fetcher.abort()

    def end(self) -> None:
        """Wait for the threads; those that are busy connecting end by themselves."""
        deadline = self._clock() + JOIN_TIMEOUT
        for fetcher in list(self._fetchers):
            if self._board.stopping.is_set():
                fetcher.abort()
            fetcher.thread.join(max(0.0, deadline - self._clock()))
        self._board.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        board = self._board
        try:
            while not board.stopping.wait(self._tick()) and not board.fetched:
                self._look()
        except BaseException as problem:  # a thread's last resort: tell the writer
            logger.exception("crew=failed")
            board.fail(problem)

    def _tick(self) -> float:
        return min(TICK, max(SHORTEST_TICK, self._board.latency.limit / 2))

    def _look(self) -> None:
        """Look once; everything is decided by the pure parts."""
        now, dry = self._clock(), self._board.dry
        received = self.received
        if received != self._heard:
            self._heard, self._heard_at = received, now
        self._speed.observe(now, received)
        starved = self._board.starved
        self._disk.observe(now, starved > 0 and not dry)
        self._tune_connections(now, received)
        self._tune_ring(now, received, starved, dry=dry)
        for lease, why in self._board.stuck(self._stalls, now=now, heard_at=self._heard_at):
            self._give_up(lease, why)
        self._hire()

    def _tune_connections(self, now: float, received: int) -> None:
        board, parallelism = self._board, self._parallelism
        before = parallelism.target
        if not board.answered:
            parallelism.begin_anew(now, received)
        if board.cap < parallelism.cap:
            parallelism.limit(board.cap)
        parallelism.observe(
            now, received, disk_bound=self._disk.mostly, latency=board.latency.typical
        )
        if parallelism.target != before:
            logger.info("connections=%d reason=%r", parallelism.target, parallelism.reason)
        board.prospect = parallelism.prospect
        if board.answered and board.target != parallelism.target and not board.unranged:
            board.resize(target=parallelism.target)

    def _tune_ring(self, now: float, received: int, starved: float, *, dry: bool) -> None:
        board, ring_size = self._board, self._ring_size
        sight = Sight(
            starved=starved,
            waiting=board.waiting,
            dry=dry,
            used=board.used,
            received=received,
            written=board.ready()[0],
            latency=board.latency.shortest,
        )
        if ring_size.observe(now, sight):
            logger.info("ring=%d reason=%r", ring_size.capacity, ring_size.reason)
            board.resize(capacity=ring_size.capacity)
            self._parallelism.begin_anew(now, received)

    def _hire(self) -> None:
        """Have a thread for each connection that is wanted."""
        for fetcher in [each for each in self._fetchers if not each.thread.is_alive()]:
            self._gone += fetcher.received
            self._fetchers.remove(fetcher)
        if self._board.fetched or self._board.stopping.is_set():
            return
        there = {fetcher.number for fetcher in self._fetchers}
        for number in range(self._board.target):
            if number not in there:
                fetcher = self._make(number)
                fetcher.thread.start()
                self._fetchers.append(fetcher)

    def _give_up(self, lease: Lease, why: str) -> None:
        for fetcher in self._fetchers:
            if fetcher.lease is lease:
                logger.info("connection=%d action=replace reason=%s", fetcher.number, why)
                fetcher.abort()


class _Speed:
    """Bytes per second, smoothed enough to be read and fast enough to be true."""

    def __init__(self, now: float) -> None:
        self.value = 0.0
        self._at = now
        self._counted = 0

    def observe(self, now: float, received: int) -> None:
        elapsed = now - self._at
        if elapsed < SPEED_PERIOD:
            return
        rate = (received - self._counted) / elapsed
        weight = 1.0 if not self.value else SMOOTHING
        self.value += weight * (rate - self.value)
        self._at, self._counted = now, received


class _Share:
    """For which part of the last while something held, forgetting the past by and by."""

    MEMORY = 0.3
    """Seconds after which a third of the past is left."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._share = 0.0

    @property
    def mostly(self) -> bool:
        return self._share > 0.5

    def observe(self, now: float, held: bool) -> None:
        weight = min(1.0, (now - self._at) / self.MEMORY)
        self._share += weight * (held - self._share)
        self._at = now
