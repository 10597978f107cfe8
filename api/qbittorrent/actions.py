"""torrents/...: what is done to torrents that are there.

Hashes that no torrent has are passed over: Sonarr deletes what another client deleted before, and
must hear that it is gone, not that it failed.
"""

from litestar import Response, Router, post

from api.qbittorrent.answers import text
from api.qbittorrent.parameters import minutes_limit, ratio_limit
from api.qbittorrent.requests import Sent, Served


@post("/delete", status_code=200)
async def delete(context: Served, parameters: Sent) -> Response[bytes]:
    """Forget torrents. Without `deleteFiles` the files stay: Sonarr leaves it out to say so."""
    await context.torrents.delete(parameters.hashes(), delete_files=parameters.flag("deleteFiles"))
    return text()


@post(["/pause", "/stop"], status_code=200)
async def pause(context: Served, parameters: Sent) -> Response[bytes]:
    """Pause torrents (qBittorrent 5: stop)."""
    await context.torrents.pause(parameters.hashes())
    return text()


@post(["/resume", "/start"], status_code=200)
async def resume(context: Served, parameters: Sent) -> Response[bytes]:
    """Resume torrents (qBittorrent 5: start)."""
    await context.torrents.resume(parameters.hashes())
    return text()


@post("/recheck", status_code=200)
async def recheck(context: Served, parameters: Sent) -> Response[bytes]:
    """Verify what is on disk."""
    await context.torrents.recheck(parameters.hashes())
    return text()


@post("/reannounce", status_code=200)
async def reannounce(parameters: Sent) -> Response[bytes]:
    """Take note and do nothing: AllDebrid announces when it sees fit."""
    parameters.hashes()
    return text()


@post("/setForceStart", status_code=200)
async def set_force_start(context: Served, parameters: Sent) -> Response[bytes]:
    """Let torrents pass the queue's limits, or no longer."""
    await context.torrents.set_forced(parameters.hashes(), forced=parameters.flag("value"))
    return text()


@post("/setShareLimits", status_code=200)
async def set_share_limits(context: Served, parameters: Sent) -> Response[bytes]:
    """Store share limits; those that are not given follow the global ones."""
    await context.torrents.set_share_limits(
        parameters.hashes(),
        ratio_limit=ratio_limit(parameters.real("ratioLimit", -2)),
        seeding_time_limit=minutes_limit(parameters.whole("seedingTimeLimit", -2)),
        inactive_seeding_time_limit=minutes_limit(parameters.whole("inactiveSeedingTimeLimit", -2)),
    )
    return text()


@post("/topPrio", status_code=200)
async def top_priority(context: Served, parameters: Sent) -> Response[bytes]:
    """Move torrents to the head of the queue."""
    await context.torrents.to_top(parameters.hashes())
    return text()


@post("/bottomPrio", status_code=200)
async def bottom_priority(context: Served, parameters: Sent) -> Response[bytes]:
    """Move torrents to the end of the queue."""
    await context.torrents.to_bottom(parameters.hashes())
    return text()


router = Router(
    "/torrents",
    route_handlers=[
        delete,
        pause,
        resume,
        recheck,
        reannounce,
        set_force_start,
        set_share_limits,
        top_priority,
        bottom_priority,
    ],
)
