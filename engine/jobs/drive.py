"""A torrent's way through the state table, as one task per torrent.

Theory
    `drive` looks at the state and runs its step until the torrent rests. A step does its work and
    moves the torrent on; when it cannot, it raises, and what is raised decides where the torrent
    goes instead. Nothing of the way is kept in the task: after a crash, or a pause, a new task
    reads the state and goes on.

    What is raised                              becomes
    ApiError SLOT                               WAITING_SLOT
    ApiError RETRY (patience ran out)           tried again in the same state, more and more slowly
    ApiError GONE, ContentGone, Gone            ADDED, once: uploaded again; then ERROR
    LinkExpired                                 WAITING_NETWORK, three times, then as Gone
    ConnectionTrouble, ServerTrouble, ServerBusy   WAITING_NETWORK, up to six hours without a byte
    NoRoom, DiskFull                            WAITING_DISK
    StoreError                                  tried again in the state that is stored
    Hopeless, all other errors                  ERROR with a sentence for the user

    Whether it is the release that has failed, so that another one should be searched, is told with
    the move to ERROR: what lies in the account, the line, the disk or this program would strike
    every other release as well.

What breaks if you edit
    A step that returns with the torrent in the state it was in, and did not wait, makes `drive`
    spin. The turn to download is given back before an error is dealt with, so that a torrent that
    waits for the network keeps nobody from downloading.
"""

import logging
from collections.abc import Awaitable, Callable

import msgspec

from engine.alldebrid.errors import ApiError, Treatment
from engine.jobs.allowance import detail_of
from engine.jobs.collect import collect, room_for
from engine.jobs.errors import (
    BadRelease,
    ContentGone,
    Forgotten,
    Hopeless,
    NoRoom,
    UselessLink,
)
from engine.jobs.job import Job, Tools
from engine.jobs.prepare import prepare, upload, wait_for_slot
from engine.jobs.publish import publish
from engine.jobs.recheck import check
from engine.jobs.states import State
from engine.jobs.wanted import lacking, rests
from engine.store.errors import StoreError
from engine.store.records import RemovalRecord
from engine.transfer.errors import (
    ConnectionTrouble,
    DiskFull,
    Gone,
    LinkExpired,
    ServerBusy,
    ServerTrouble,
    TransferError,
)

LINK_DELAYS = (30.0, 60.0, 120.0)
"""Seconds before the next tries when the file host refuses even a fresh link. It may not know the
link yet, and a torrent that is uploaded again for nothing costs one of its two chances."""

FAILURES_OF_A_HOST = 2
"""Failures in a row from which on another host is asked for; AllDebrid wants links used again, so
one failure, which may be the line's, is not enough."""

DISK_INTERVAL = 30.0
"""Seconds between two looks at a full disk."""

STORE_INTERVAL = 30.0
"""Seconds before a torrent goes on whose change could not be stored, because its disk is full."""

logger = logging.getLogger("engine.jobs.drive")


async def drive(job: Job) -> None:
    """Walk the torrent to where it rests."""
    try:
        while not rests(job.entry.state, job.files):
            try:
                await _step(job)
            except StoreError as problem:
                logger.error("torrent=%s store=failed reason=%r", job.infohash, str(problem))  # noqa: TRY400 - one line is enough, it repeats
                await job.sleep(STORE_INTERVAL)
        tidy(job.tools, job.infohash)
    except Forgotten:
        logger.info("torrent=%s drive=ended reason=forgotten", job.infohash)
    except Exception:
        # The last net: a bug must not leave a torrent that nobody works on and nobody knows of.
        logger.exception("torrent=%s drive=failed", job.infohash)
        await _fail(job, "Something went wrong inside this program; its log says what.")
    finally:
        job.live.remote = None


def tidy(tools: Tools, infohash: str) -> None:
    """Have the magnet of a complete torrent taken off the account, if it is ours to take."""
    entry = tools.ledger.entry(infohash)
    ours = entry.record.owned and entry.record.magnet_id
    complete = entry.state is State.COMPLETED and rests(entry.state, entry.files)
    if complete and ours and tools.config.delete_magnets:
        removal = RemovalRecord(magnet_id=entry.record.magnet_id, torrent=infohash)
        tools.errands.take_off(removal)


async def _step(job: Job) -> None:
    try:
        await STEPS[job.entry.state](job)
    except ApiError as problem:
        await _api_trouble(job, problem)
    except (ContentGone, Gone) as problem:
        await _upload_again(job, str(problem))
    except LinkExpired as problem:
        await _refused(job, problem)
    except (NoRoom, DiskFull) as problem:
        await _no_room(job, str(problem))
    except (ConnectionTrouble, ServerTrouble, ServerBusy) as problem:
        await _line_trouble(job, problem)
    except (BadRelease, UselessLink) as problem:
        await _fail(job, str(problem), bad_release=True)
    except (Hopeless, TransferError) as problem:
        await _fail(job, str(problem))


async def _download(job: Job) -> None:
    """Wait for the torrent's turn and download it. State QUEUED."""
    if not job.unfinished:  # all that is wanted is here: there is nothing to take turns for
        await job.move(State.DOWNLOADING)
        await collect(job)
        return
    async with job.tools.turns.turn(job.infohash):
        await job.move(State.DOWNLOADING)
        await collect(job)


async def _queue_again(job: Job) -> None:
    """Get in line again after a restart of the service in the middle of a download."""
    await job.move(State.QUEUED, detail="going on after a restart of the service")


async def _wait_for_network(job: Job) -> None:
    """Nothing to wait for after a restart of the service: try at once."""
    await job.move(State.QUEUED)


async def _wait_for_room(job: Job) -> None:
    while True:
        try:
            await room_for(job, job.files)
        except NoRoom as problem:
            await job.explain(str(problem))
        else:
            break
        await job.sleep(DISK_INTERVAL)
    await job.move(State.QUEUED)


async def _fetch_more(job: Job) -> None:
    """Go on with a complete torrent of which more files are wanted now. State COMPLETED.

    AllDebrid may have it no longer, and what it gave for the others is of no use: it is asked anew.
    """
    more = {file.index for file in lacking(job.files)}
    await job.move(
        State.ADDED,
        detail=f"{len(more)} more files are wanted",
        records=[
            msgspec.structs.replace(file, link="") if file.index in more else file
            for file in job.files
        ],
        completed_at=0,
        position=job.tools.ledger.next_position(),
        owned=job.record.owned and bool(job.record.magnet_id),
    )


STEPS: dict[State, Callable[[Job], Awaitable[None]]] = {
    State.ADDED: upload,
    State.WAITING_SLOT: wait_for_slot,
    State.PREPARING: prepare,
    State.QUEUED: _download,
    State.DOWNLOADING: _queue_again,
    State.WAITING_NETWORK: _wait_for_network,
    State.WAITING_DISK: _wait_for_room,
    State.CHECKING: check,
    State.MOVING: publish,
    State.COMPLETED: _fetch_more,
}
"""The step of every state that does not always rest (see `rests`)."""


async def _api_trouble(job: Job, problem: ApiError) -> None:
    if problem.treatment is Treatment.GONE:
        await _upload_again(job, str(problem))
    elif problem.treatment in {Treatment.RETRY, Treatment.SLOT, Treatment.ACCOUNT}:
        delay = job.service.next_delay(job.monotonic(), problem.retry_after)
        if delay is None:
            await _fail(job, str(problem), bad_release=problem.about_release)
            return
        await job.explain(str(problem))
        await job.sleep(delay)
        await job.tools.client.account.wait_until_fine()
    else:
        await _fail(job, str(problem), bad_release=problem.about_release)


async def _upload_again(job: Job, reason: str, *, bad_release: bool = True) -> None:
    """Have AllDebrid fetch the torrent anew, once; what is on disk of it is kept."""
    if not job.allowance.spend("reuploaded"):
        await _fail(job, reason, bad_release=bad_release)
        return
    job.refusals = 0
    take_off = job.record.magnet_id if job.record.owned else 0
    await job.tools.unlocker.forget([file.link for file in job.unfinished])
    records = [
        msgspec.structs.replace(file, link="") if file.flushed < file.size else file
        for file in job.files
    ]
    await job.change(
        note=("reuploaded", detail_of(reason)), records=records, magnet_id=0, take_off=take_off
    )
    if take_off:  # or AllDebrid would go on with what it has, instead of fetching it anew
        removal = RemovalRecord(magnet_id=take_off, torrent=job.infohash)
        job.tools.errands.take_off(removal)
    if job.entry.state is not State.ADDED:
        await job.move(State.ADDED)


async def _refused(job: Job, problem: LinkExpired) -> None:
    """Wait and try a fresh link; have the torrent uploaded again when that does not help.

    A host that refuses us refuses any release; one that has no such file lacks this one.
    """
    if job.refusals >= len(LINK_DELAYS):
        await _upload_again(job, str(problem), bad_release=problem.missing)
        return
    delay = LINK_DELAYS[job.refusals]
    job.refusals += 1
    await _leave_host(job)
    await job.move(State.WAITING_NETWORK, reason=str(problem))
    await job.sleep(delay)
    await job.move(State.QUEUED)


async def _leave_host(job: Job) -> None:
    """Have the file that comes next unlocked anew: that may lead to another file host."""
    await job.tools.unlocker.forget([file.link for file in job.unfinished[:1]])


async def _line_trouble(job: Job, problem: TransferError) -> None:
    """Wait and try again; trouble with the account is not the line's and costs no patience."""
    account = job.tools.client.account
    if account.trouble:
        await job.move(State.WAITING_NETWORK, reason=account.trouble)
        await account.wait_until_fine()
        await job.move(State.QUEUED)
        return
    delay = job.line.next_delay(job.monotonic(), problem.retry_after)
    if delay is None:
        await _fail(job, f"Given up after six hours without a byte: {problem}")
        return
    if job.line.tries >= FAILURES_OF_A_HOST and not isinstance(problem, ServerBusy):
        await _leave_host(job)
    await job.move(State.WAITING_NETWORK, reason=str(problem))
    await job.sleep(delay)
    await job.move(State.QUEUED)


async def _no_room(job: Job, reason: str) -> None:
    await job.move(State.WAITING_DISK, reason=reason)
    # The space that was free a moment ago was not enough, whatever it is worth now.
    await job.sleep(DISK_INTERVAL)


async def _fail(job: Job, reason: str, *, bad_release: bool = False) -> None:
    logger.warning("torrent=%s state=error reason=%r", job.infohash, reason)
    job.tools.slots.freed()
    await job.move(State.ERROR, reason=reason, bad_release=bad_release)
