"""An outbox for real: a store on disk, programs on loopback. Only time is not: what is slept lasts
until the test lets it pass.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator

from arrpush.accepting import Offer, Taken
from arrpush.arr import Arr
from arrpush.course import State
from arrpush.line import Timing
from arrpush.outbox import Outbox, OutboxConfig
from arrpush.payload import Release, Target
from engine.http.exchange import exchange
from engine.metainfo import parse_torrent
from engine.store import pushes
from engine.store.records import PushRecord
from tests.arrpush.desk import BreakableStore
from tests.engine.jobs.world import Controlled, Torrent
from tests.fakes.arr import KEY, FakeArr

PATIENCE = 20.0
"""Seconds a test waits for something before it fails."""

BASE = "http://nas:6500"


def release(number: int = 1, **fields) -> Release:
    """A release that has an infohash and a URL of its own."""
    named = {
        "name": f"A.Show.S01E{number:02}.1080p.WEB-GROUP",
        "url": f"https://indexer.example/download/{number}?passkey=markedpass",
        "infohash": f"{number:040x}",
    }
    return Release(**{**named, **fields})


def with_torrent(torrent: Torrent, **fields) -> Release:
    """A release whose .torrent came along."""
    return release(**{"infohash": "", "torrent": parse_torrent(torrent.metainfo), **fields})


class Lines(logging.Handler):
    """Keeps the lines that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record):
        self.lines.append(record.getMessage())


class OutboxDesk:
    def __init__(self, folder, fakes: dict[Target, FakeArr], **config) -> None:
        self.folder = folder
        self.fakes = fakes
        self.keys = dict.fromkeys(fakes, KEY)
        self.config = OutboxConfig(**config)
        self.time = Controlled(lambda: None)
        self.skew = 0.0
        """Seconds by which the clock on the wall is ahead of the time that passes."""
        self.attempts = Lines()
        self.answer_within: float | None = None
        """Seconds that a program gets for an answer, instead of the usual minutes."""

    async def start(self) -> None:
        """Start as the service does, over what is stored."""
        self.store = BreakableStore(self.folder / "store.db")
        timing = Timing(
            now=lambda: self.time.clock() + self.skew,
            monotonic=self.time.clock,
            sleep=self.time.sleep,
            random=lambda: 1.0,
        )
        self.outbox = Outbox(self.store, self._programs(), self.config, timing)
        await self.outbox.start()

    async def stop(self) -> None:
        await self.outbox.stop()
        self.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    @contextlib.asynccontextmanager
    async def open(self):
        logger = logging.getLogger("arrpush.attempts")
        logger.addHandler(self.attempts)
        logger.setLevel(logging.INFO)
        await self.start()
        try:
            yield self
        finally:
            await self.stop()
            logger.removeHandler(self.attempts)

    async def accepts(
        self, what: Release, target: Target = Target.SONARR, torrent: bytes = b"", base: str = BASE
    ) -> Taken:
        """Announce a release."""
        return await self.outbox.accept(
            Offer(release=what, target=target, torrent=torrent, base=base)
        )

    async def delivered(self, taken: Taken) -> PushRecord:
        """Wait until a release has gone out, and return what was made of it."""
        return await self.becomes(taken, *(set(State) - {State.WAITING}))

    async def becomes(self, taken: Taken, *states: State) -> PushRecord:
        """Wait until a release is in one of the states."""
        await self.until(lambda: self.stored(taken).state in states)
        return self.stored(taken)

    def stored(self, taken: Taken) -> PushRecord:
        found = self.store.call(lambda db: pushes.get(db, taken.push.id))
        assert found is not None
        return found

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, turning the loop meanwhile."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - a server in a thread tells nobody
                await asyncio.sleep(0)

    async def tries(self, number: int, fake: FakeArr) -> None:
        """Wait until a program was asked to take a release so often, and was listened to."""
        await self.until(lambda: len(self.attempts.lines) >= number)
        assert len(fake.asked_for("POST", "/release/push")) <= number

    async def waits(self) -> float:
        """Wait until the deliveries sleep; return the seconds until the first one goes on."""
        await self.until(lambda: bool(self._naps()))
        return self._naps()[0]

    async def waits_and_passes(self) -> float:
        """Let the time pass for which the deliveries sleep."""
        seconds = await self.waits()
        self.time.passes(seconds)
        return seconds

    async def as_time_passes(self, condition: Callable[[], bool], step: float = 5.0) -> None:
        """Wait until something is so, some seconds with every turn of the loop."""

        def later() -> bool:
            self.time.passes(step)
            return condition()

        await self.until(later)

    def _naps(self) -> list[float]:
        # The chores sleep too, for hours.
        return [left for left in self.time.asleep() if left < 3600]

    def _programs(self) -> dict[Target, Arr]:
        return {
            target: Arr(
                target.value.capitalize(),
                fake.url,
                lambda target=target: self.keys[target],
                exchange=self._exchange,
            )
            for target, fake in self.fakes.items()
        }

    async def _exchange(self, *arguments, **options):
        if self.answer_within is not None:
            options["timeout"] = self.answer_within
        return await exchange(*arguments, **options)


@contextlib.contextmanager
def logged(name: str, level: int = logging.INFO) -> Iterator[list[str]]:
    """Collect what a logger says."""
    lines, logger = Lines(), logging.getLogger(name)
    before = logger.level
    logger.addHandler(lines)
    logger.setLevel(level)
    try:
        yield lines.lines
    finally:
        logger.removeHandler(lines)
        logger.setLevel(before)
