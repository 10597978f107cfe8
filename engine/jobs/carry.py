"""The moves on disk that are under way: one task each, beside the tasks that work on torrents.

Theory
    See `engine.jobs.relocate` for what one move is and why it can be cut off anywhere. Here it is
    begun, told of, finished or undone, and taken up again at the next start. Renaming takes no time
    and is waited for; a copy goes on when whoever asked has had his answer.

    While a torrent is moved nobody works on it (`Crew.start` sees to that) and it is shown as being
    moved, so nobody takes half of its files for all. Afterwards it goes on in its own state, which
    the move never touches.

Guarantees
    A move that fails leaves all as it was before, and the torrent's history says why. What can be
    neither stored nor undone now, because a disk is full or gone, is tried again until it can.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable

import msgspec

from engine.jobs import relocate
from engine.jobs.crew import Crew
from engine.jobs.drive import DISK_INTERVAL, STORE_INTERVAL
from engine.jobs.fetch import in_thread
from engine.jobs.job import Tools
from engine.jobs.views import Conflict
from engine.jobs.wanted import rests
from engine.store.errors import StoreError
from engine.store.records import MoveRecord
from engine.transfer.errors import TransferError

FAILED = "move_failed"
"""The kind of event that says why a torrent was not moved."""

BUG = "Something went wrong inside this program; its log says what."

logger = logging.getLogger("engine.jobs.carry")


class Carrier:
    """Carries out moves. The event loop's thread only."""

    def __init__(self, tools: Tools, crew: Crew) -> None:
        self._tools = tools
        self._crew = crew
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._copying = asyncio.Lock()
        """Held while a copy is made: a disk that reads two at once reads neither well."""
        self._storing = asyncio.Lock()
        """Held while the record of a move is changed into another or taken away."""

    def __repr__(self) -> str:
        return f"<Carrier {len(self._tasks)} under way>"

    async def carry(self, move: MoveRecord) -> None:
        """Do a move; return when it is done, or when a copy is under way, which takes its time.

        The torrent's control must be held and its work be stopped; it is started again in the end.
        Raises Conflict when the move is not possible, StoreError.
        """
        await self._tools.ledger.moving(move)
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._start(move, told)
        await told

    def go_on(self, infohash: str) -> None:
        """Take up again what was begun before the service ended, or what could not be stopped."""
        move = self._tools.ledger.entry(infohash).moving
        if move is not None and infohash not in self._tasks:
            told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            told.add_done_callback(asyncio.Future.exception)  # nobody asked, so nobody is told
            self._start(move, told)

    async def by_hand(self, infohash: str) -> None:
        """Have a torrent that is being moved be managed by hand when it has arrived.

        Its control must be held. Raises StoreError.
        """
        async with self._storing:
            move = self._tools.ledger.entry(infohash).moving
            if move is not None and move.auto_managed:
                await self._tools.ledger.moving(msgspec.structs.replace(move, auto_managed=False))

    async def stop(self, infohash: str) -> None:
        """End a torrent's move at once, done or undone; its control must be held.

        Its work is not started again. Raises StoreError.
        """
        await self._cancel([infohash])
        entry = self._tools.ledger.find(infohash)
        if entry is None or entry.moving is None:
            return
        try:
            done = await in_thread(_settle, entry.moving)
            await self._tools.ledger.moved(infohash, done=done, note=_note(entry.moving, done=done))
        except StoreError:
            self.go_on(infohash)
            raise

    async def close(self) -> None:
        """End all tasks; what they were about goes on at the next start."""
        await self._cancel(list(self._tasks))

    async def _cancel(self, hashes: list[str]) -> None:
        tasks = [self._tasks[infohash] for infohash in hashes if infohash in self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._tools.ledger.settled()

    def _start(self, move: MoveRecord, told: "asyncio.Future[None]") -> None:
        task = asyncio.create_task(self._run(move, told), name=f"move {move.torrent}")
        self._tasks[move.torrent] = task
        task.add_done_callback(lambda done: self._ended(move.torrent, done, told))

    async def _run(self, move: MoveRecord, told: "asyncio.Future[None]") -> None:
        try:
            await self._do(move, told)
        except (TransferError, FileExistsError, relocate.NothingThere) as problem:
            await self._failed(move, _sentence(move, problem), told)
        except Exception:
            # The last net: a bug must not leave a torrent that is being moved for ever.
            logger.exception("torrent=%s move=failed", move.torrent)
            await self._failed(move, BUG, told)
        else:
            await self._over(move, told, done=True)
        _tell(told)
        await self._work_on(move.torrent)

    async def _do(self, move: MoveRecord, told: "asyncio.Future[None]") -> None:
        """Do it on disk. Raises TransferError, FileExistsError, NothingThere."""
        if not move.copied:
            if await in_thread(relocate.begin, move):
                return
            _tell(told)
            async with self._copying:
                stopping = threading.Event()
                await in_thread(relocate.copy, move, stopping, stop=stopping.set)
            await self._stored(move, lambda: self._copied(move), told)
            move = msgspec.structs.replace(move, copied=True)
        await in_thread(relocate.take_over, move)

    async def _copied(self, move: MoveRecord) -> None:
        """Store that the copy is whole, with what the record has become meanwhile."""
        move = self._tools.ledger.entry(move.torrent).moving or move
        await self._tools.ledger.moving(msgspec.structs.replace(move, copied=True))

    async def _failed(self, move: MoveRecord, why: str, told: "asyncio.Future[None]") -> None:
        """Undo what was begun, unless it was done but for the tidying up."""
        logger.warning("torrent=%s move=failed reason=%r", move.torrent, why)
        entry = self._tools.ledger.entry(move.torrent)
        move = entry.moving or move
        done = await in_thread(relocate.is_done, move)
        while not done:
            try:
                await in_thread(relocate.undo, move)
                break
            except (TransferError, FileExistsError) as problem:
                _tell(told, Conflict(why))
                logger.warning("torrent=%s undo=failed reason=%r", move.torrent, str(problem))
                await self._tools.timing.sleep(DISK_INTERVAL)
        await self._over(move, told, done=done, why=why)
        if not done:
            _tell(told, Conflict(why))

    async def _over(
        self, move: MoveRecord, told: "asyncio.Future[None]", *, done: bool, why: str = ""
    ) -> None:
        note = _note(move, done=done, why=why)
        await self._stored(
            move, lambda: self._tools.ledger.moved(move.torrent, done=done, note=note), told
        )

    async def _stored(
        self,
        move: MoveRecord,
        change: Callable[[], Awaitable[None]],
        told: "asyncio.Future[None]",
    ) -> None:
        """Store a change, however long it takes until the store can."""
        while True:
            try:
                async with self._storing:
                    await change()
            except StoreError as problem:
                _tell(told, problem)
                logger.error("torrent=%s store=failed reason=%r", move.torrent, str(problem))  # noqa: TRY400 - one line is enough, it repeats
                await self._tools.timing.sleep(STORE_INTERVAL)
            else:
                return

    async def _work_on(self, infohash: str) -> None:
        """Have the torrent worked on again if it does not rest."""
        async with self._crew.control(infohash):
            entry = self._tools.ledger.find(infohash)
            idle = self._crew.live(infohash) is None
            if entry is not None and idle and not rests(entry.state, entry.files):
                self._crew.start(infohash)

    def _ended(
        self, infohash: str, task: "asyncio.Task[None]", told: "asyncio.Future[None]"
    ) -> None:
        if self._tasks.get(infohash) is task:
            del self._tasks[infohash]
        if task.cancelled():
            told.cancel()
        elif (problem := task.exception()) is not None:
            _tell(told, problem)
            logger.error("torrent=%s move=died", infohash, exc_info=problem)


def _tell(told: "asyncio.Future[None]", problem: BaseException | None = None) -> None:
    """Answer whoever waits, unless that was done before."""
    if told.done():
        return
    if problem is None:
        told.set_result(None)
    else:
        told.set_exception(problem)


def _settle(move: MoveRecord) -> bool:
    """Have a move that nobody is at any more be done or undone; tell which. Blocks."""
    try:
        if relocate.is_done(move):
            if move.copied:
                relocate.take_over(move)
            return True
        relocate.undo(move)
    except (TransferError, FileExistsError, relocate.NothingThere) as problem:
        logger.warning("torrent=%s move=stopped reason=%r", move.torrent, str(problem))
    return relocate.is_done(move)


def _note(move: MoveRecord, *, done: bool, why: str = "") -> tuple[str, str]:
    """Return the event that says how a move ended."""
    if not done:
        return FAILED, why or "it was stopped"
    if move.source == move.target:
        return "renamed", f"{move.old} is {move.new} now"
    return "moved", f"from {move.source} to {move.target}"


def _sentence(move: MoveRecord, problem: Exception) -> str:
    """Say in one sentence why a move failed."""
    if isinstance(problem, FileExistsError):
        return f"There is already {move.new!r} in {move.target}."
    if isinstance(problem, relocate.NothingThere):
        return f"The files are gone from {move.source}."
    return f"The files cannot be moved: {problem}."
