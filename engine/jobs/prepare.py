"""From a new torrent to files with links: the steps at AllDebrid.

    upload          ADDED          AllDebrid gets the torrent, or gave us all we need already
    wait_for_slot   WAITING_SLOT   its limit of active torrents is reached; we stand in line
    prepare         PREPARING      AllDebrid fetches it; when it is ready, its files are listed

What AllDebrid says about a torrent that is not well, and how much of it is borne:

    SOFT_ERROR       often mends itself: looked at for six minutes, restarted once, then failed
    RETRYABLE_ERROR  restarted once, then failed
    GONE             uploaded again once, then failed
    FAILED           failed, with AllDebrid's reason

Guarantee
    That a magnet is ours is stored before it is uploaded: a crash in between leaves a magnet that
    we take off again, never one that we forget.
"""

from collections.abc import Sequence

import msgspec

from engine.alldebrid.errors import ApiError, Treatment
from engine.alldebrid.values import MagnetStatus, Phase, Uploaded
from engine.jobs.allowance import detail_of
from engine.jobs.errors import BadRelease, ContentGone, Hopeless
from engine.jobs.fetch import in_thread
from engine.jobs.job import Job
from engine.jobs.layout import Layout, MissingFiles, from_metainfo, from_tree
from engine.jobs.names import is_real_name
from engine.jobs.ondisk import erase
from engine.jobs.states import State
from engine.jobs.wanted import is_wanted, is_whole
from engine.store.records import FileRecord, TorrentRecord

SOFT_PATIENCE = 360.0
"""Seconds: three looks two minutes apart. Well seeded torrents recover within that."""

AFTER_RESTART = 120.0
"""Seconds after a restart in which an old error is not held against the torrent."""

LISTINGS = 4
"""Readings of a tree that lacks files of the .torrent, before it is believed."""

LISTING_INTERVAL = 20.0
"""Seconds between them: a minute in all, which is how long a fresh tree may be short."""

SILENCE = 15.0
"""Seconds of waiting for AllDebrid's first answer that need no explanation."""


async def upload(job: Job) -> None:
    """Hand the torrent to AllDebrid, or skip what is done already."""
    async with job.tools.errands.withheld(job.infohash):
        await _hand_over_or_skip(job)


async def _hand_over_or_skip(job: Job) -> None:
    if job.files and all(file.link for file in job.unfinished):
        await job.move(State.QUEUED)
    elif job.record.magnet_id:
        await job.move(State.PREPARING)
    else:
        try:
            await _upload(job)
        except ApiError as error:
            if error.treatment is not Treatment.SLOT:
                raise
            await job.move(State.WAITING_SLOT, reason=str(error))


async def wait_for_slot(job: Job) -> None:
    """Stand in line until AllDebrid takes the torrent."""
    async with job.tools.slots.line(job.infohash) as turn:
        while job.entry.state is State.WAITING_SLOT:
            await turn()
            try:
                async with job.tools.errands.withheld(job.infohash):
                    await _upload(job)
            except ApiError as error:
                if error.treatment is not Treatment.SLOT:
                    raise
                await job.explain(str(error))


async def prepare(job: Job) -> None:
    """Wait until AllDebrid has the torrent, then list its files."""
    status = await _until_ready(job)
    job.tools.slots.freed()
    layout = await _listed(job, status)
    await _place(job, layout, status)
    job.live.remote = None


async def _upload(job: Job) -> None:
    tools = job.tools
    await _synced(job)
    if not job.record.owned and (tools.ledger.removals(job.infohash) or await _is_new(job)):
        await job.change(owned=True)
    uploaded = await _hand_over(job)
    if tools.poller.by_id(uploaded.id) is not None:
        # What the poller last heard of it is older than this upload, which may have revived it.
        await tools.poller.refresh()
    elif uploaded.ready:
        await tools.poller.look(uploaded.id)  # nobody should wait for the next round for this
    job.service.progress()
    await job.move(
        State.PREPARING, magnet_id=uploaded.id, name=_best_name(job.record, uploaded.name)
    )


async def _synced(job: Job) -> None:
    """Wait for AllDebrid's first list, and say so when that takes long."""

    async def listed() -> bool:
        await job.tools.poller.synced()
        return True

    if not await job.within(SILENCE, listed()):
        await job.explain("AllDebrid has not answered so far; it is asked again all the time.")
        await job.tools.poller.synced()


async def _is_new(job: Job) -> bool:
    """Tell whether the torrent is not on the account yet; the account is asked if it seems to be.

    The poller hears late of what was deleted, and that may have been our own doing.
    """
    if job.tools.poller.by_hash(job.infohash) is None:
        return True
    await job.tools.poller.refresh()
    return job.tools.poller.by_hash(job.infohash) is None


async def _hand_over(job: Job) -> Uploaded:
    """Upload the .torrent, which AllDebrid knows more with, or else the magnet."""
    metainfo = await job.tools.ledger.metainfo(job.infohash)
    if metainfo is not None:
        return await job.tools.client.upload_file(metainfo, job.record.name, infohash=job.infohash)
    return await job.tools.client.upload_magnet(job.record.magnet, infohash=job.infohash)


async def _until_ready(job: Job) -> MagnetStatus:
    """Follow AllDebrid's status until it is Ready. Raises BadRelease, ContentGone, ApiError."""
    status = await _next(job, None)
    unwell_since: float | None = None
    borne = 0.0
    while status.phase is not Phase.READY:
        again = _asked_again(job, status)
        if status.phase is Phase.GONE and not again:
            raise ContentGone(status.explanation)
        if status.phase is Phase.FAILED and not again:
            raise BadRelease(status.explanation)
        if status.phase not in _UNWELL and not again:
            unwell_since = None
            status = await _next(job, status)
            continue
        if unwell_since is None:
            unwell_since, borne = job.monotonic(), _UNWELL.get(status.phase, 0.0)
        left = unwell_since + borne - job.monotonic()
        if left <= 0 or again:
            await _restart(job, status, again=again)
            unwell_since = job.monotonic()
            left = borne = AFTER_RESTART + borne
        status = await job.within(left, _next(job, status)) or status
    return status


_UNWELL = {Phase.SOFT_ERROR: SOFT_PATIENCE, Phase.RETRYABLE_ERROR: 0.0}


async def _next(job: Job, seen: MagnetStatus | None) -> MagnetStatus:
    status = await job.tools.poller.next(job.record.magnet_id, seen)
    job.live.remote = status
    name, size = _best_name(job.record, status.name), job.record.size or max(status.size, 0)
    if (name, size) != (job.record.name, job.record.size):
        await job.change(name=name, size=size)
    return status


def _asked_again(job: Job, status: MagnetStatus) -> bool:
    """Tell, once, whether somebody resumed a torrent that AllDebrid has given up."""
    failed = status.phase in {*_UNWELL, Phase.GONE, Phase.FAILED}
    again, job.asked_again = job.asked_again and failed, False
    return again


async def _restart(job: Job, status: MagnetStatus, *, again: bool) -> None:
    if not again and not job.allowance.spend("restarted"):
        if status.phase is Phase.RETRYABLE_ERROR:  # AllDebrid's own trouble: nobody is to blame
            raise Hopeless(status.explanation)
        raise BadRelease(status.explanation)
    await job.change(note=("restarted", detail_of(status.explanation)))
    await job.tools.client.restart(job.record.magnet_id)


async def _listed(job: Job, status: MagnetStatus) -> Layout:
    """Read the tree until it has all files, and lay them out. Raises BadRelease, ApiError."""
    metainfo = await job.metainfo()
    problem: MissingFiles | None = None
    for reading in range(LISTINGS):
        if reading:
            await job.sleep(LISTING_INTERVAL)
        remote = await job.tools.client.files_when_listed(job.record.magnet_id)
        try:
            if metainfo is not None:
                return from_metainfo(metainfo, remote, _needless(job.files))
            return from_tree(_tree_name(job, status), remote)
        except MissingFiles as missing:
            problem = missing
    raise BadRelease(f"{problem}.")


def _needless(files: Sequence[FileRecord]) -> set[int]:
    """Return the indexes of files that nothing has to be fetched for."""
    return {file.index for file in files if not is_wanted(file) or is_whole(file)}


def _tree_name(job: Job, status: MagnetStatus) -> str:
    """Return the torrent's own name: what AllDebrid says, if it is one, or what we were told."""
    return status.name if is_real_name(status.name) else job.record.name


async def _place(job: Job, layout: Layout, status: MagnetStatus) -> None:
    """Store the files, with what is on disk of them already, and get into the queue."""
    fresh = layout.records(job.infohash)
    kept = _with_new_links(job.files, fresh)
    if kept is None and any(file.published for file in job.files):
        raise Hopeless("AllDebrid lists other files now than those that are complete already.")
    if kept is None:
        await in_thread(erase, job.folder)
    job.service.progress()
    await job.move(
        State.QUEUED,
        records=kept or fresh,
        size=sum(file.size for file in fresh),
        root=job.record.root if kept else layout.root,
        name=_best_name(job.record, status.name),
    )


def _with_new_links(
    old: Sequence[FileRecord], fresh: Sequence[FileRecord]
) -> list[FileRecord] | None:
    """Return the old files with their new links, or None when they are not the same files.

    The validators go: they may differ from host to host, and the infohash vouches for the bytes.
    """
    if not old or [_shape(file) for file in old] != [_shape(file) for file in fresh]:
        return None
    return [
        msgspec.structs.replace(before, link=after.link, etag="", last_modified="")
        for before, after in zip(old, fresh, strict=True)
    ]


def _shape(file: FileRecord) -> tuple[int, int]:
    """Return what makes a file of a torrent the same one, whatever its name has become."""
    return file.index, file.size


def _best_name(record: TorrentRecord, name: str) -> str:
    """Return `name` if it is a real one and the torrent goes by its hash so far."""
    return name if record.name == record.hash and is_real_name(name) else record.name
