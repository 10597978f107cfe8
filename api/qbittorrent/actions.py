"""torrents/...: what is done to torrents that are there.

Hashes that no torrent has are passed over: Sonarr deletes what another client deleted before, and
must hear that it is gone, not that it failed.
"""

from litestar import Response

from api.qbittorrent.answers import text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Asked, acts, under
from api.qbittorrent.parameters import Parameters, minutes_limit, ratio_limit
from api.qbittorrent.requests import whos_of


@acts("delete")
async def delete(request: Asked, context: Context, parameters: Parameters) -> Response[bytes]:
    """Forget torrents. Without `deleteFiles` the files stay, as some clients leave it out to say.

    qBittorrent answers 400 to that.
    """
    await context.torrents.delete(
        parameters.hashes(),
        delete_files=parameters.flag("deleteFiles"),
        category=context.looking.category(whos_of(request, context)),
    )
    return text()


@acts("pause", "stop")
async def pause(context: Context, parameters: Parameters) -> Response[bytes]:
    """Pause torrents (qBittorrent 5: stop)."""
    await context.torrents.pause(parameters.hashes())
    return text()


@acts("resume", "start")
async def resume(context: Context, parameters: Parameters) -> Response[bytes]:
    """Resume torrents (qBittorrent 5: start)."""
    await context.torrents.resume(parameters.hashes())
    return text()


@acts("recheck")
async def recheck(context: Context, parameters: Parameters) -> Response[bytes]:
    """Verify what is on disk."""
    await context.torrents.recheck(parameters.hashes())
    return text()


@acts("setShareLimits")
async def set_share_limits(context: Context, parameters: Parameters) -> Response[bytes]:
    """Store share limits. The third of them is newer than the others, and may be missing."""
    chosen = parameters.hashes()
    parameters.required("ratioLimit")
    parameters.required("seedingTimeLimit")
    await context.torrents.set_share_limits(
        chosen,
        ratio_limit=ratio_limit(parameters.real("ratioLimit", -2)),
        seeding_time_limit=minutes_limit(parameters.whole("seedingTimeLimit", -2)),
        inactive_seeding_time_limit=minutes_limit(parameters.whole("inactiveSeedingTimeLimit", -2)),
    )
    return text()


@acts("toggleSequentialDownload")
async def toggle_sequential(context: Context, parameters: Parameters) -> Response[bytes]:
    """Turn a flag over that clients show; files always come from beginning to end."""
    await context.torrents.toggle_sequential(parameters.hashes())
    return text()


@acts("toggleFirstLastPiecePrio")
async def toggle_first_last(context: Context, parameters: Parameters) -> Response[bytes]:
    """Turn a flag over that clients show."""
    await context.torrents.toggle_first_last(parameters.hashes())
    return text()


ENDPOINTS = under(
    "torrents",
    delete,
    pause,
    resume,
    recheck,
    set_share_limits,
    toggle_sequential,
    toggle_first_last,
)
