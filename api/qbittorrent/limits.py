"""transfer/... and torrents/...: speed limits, in bytes per second, 0 for none.

As in qBittorrent a number that makes no sense lifts a limit, one that is missing is an error, and
the global limits that are asked for and set are those that hold: the alternative ones while they
do. Unlike there a limit is kept to the byte, not to the KiB. Upload limits are kept for clients
that read back what they have set.
"""

import math
from collections.abc import Callable, Mapping

import msgspec
from litestar import Response

from api.qbittorrent.answers import json, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts, reads
from api.qbittorrent.parameters import (
    BadParameter,
    Parameters,
    bounded_limit,
    digits,
    hashes,
    speed_limit,
)
from engine.jobs.speed import SpeedLimits
from engine.store.records import TorrentRecord

SMALLEST = 1024
"""Bytes per second: qBittorrent takes a smaller global limit for this one."""

NO_TORRENT = -1
"""The limit of a torrent that there is not."""

PREFERENCES = {
    "dl_limit": "download",
    "up_limit": "upload",
    "alt_dl_limit": "alternative_download",
    "alt_up_limit": "alternative_upload",
}
"""Names in app/preferences and of fields in SpeedLimits."""


@reads("transfer/downloadLimit")
async def download_limit(context: Context) -> Response[bytes]:
    """Tell the global limit on downloads that holds."""
    return text(str(context.torrents.speed_limits().download_now))


@reads("transfer/uploadLimit")
async def upload_limit(context: Context) -> Response[bytes]:
    """Tell the global limit on uploads that would hold."""
    return text(str(context.torrents.speed_limits().upload_now))


@acts("transfer/setDownloadLimit")
async def set_download_limit(context: Context, parameters: Parameters) -> Response[bytes]:
    """Set the global limit on downloads that holds."""
    limit = _global(speed_limit(parameters.required("limit")))
    await context.torrents.change_speed_limits(
        lambda old: _set(old, "alternative_download" if old.alternative else "download", limit)
    )
    return text()


@acts("transfer/setUploadLimit")
async def set_upload_limit(context: Context, parameters: Parameters) -> Response[bytes]:
    """Set the global limit on uploads that would hold."""
    limit = _global(speed_limit(parameters.required("limit")))
    await context.torrents.change_speed_limits(
        lambda old: _set(old, "alternative_upload" if old.alternative else "upload", limit)
    )
    return text()


@reads("transfer/speedLimitsMode")
async def speed_limits_mode(context: Context) -> Response[bytes]:
    """Tell whether the alternative limits hold: 1 or 0."""
    return text("1" if context.torrents.speed_limits().alternative else "0")


@acts("transfer/toggleSpeedLimitsMode")
async def toggle_speed_limits_mode(context: Context) -> Response[bytes]:
    """Change from the everyday limits to the alternative ones, or back."""
    await context.torrents.change_speed_limits(
        lambda old: msgspec.structs.replace(old, alternative=not old.alternative)
    )
    return text()


@acts("transfer/setSpeedLimitsMode")
async def set_speed_limits_mode(context: Context, parameters: Parameters) -> Response[bytes]:
    """Let the alternative limits hold (1), or the everyday ones (0)."""
    mode = digits(parameters.required("mode"))
    if mode is None:
        raise BadParameter("'mode': invalid argument")
    await context.torrents.change_speed_limits(
        lambda old: msgspec.structs.replace(old, alternative=bool(mode))
    )
    return text()


@reads("torrents/downloadLimit")
async def torrents_download_limit(context: Context, parameters: Parameters) -> Response[bytes]:
    """Tell the limits of torrents, by hash as it was asked for."""
    return json(_limits_of(context, parameters, lambda record: record.download_limit))


@reads("torrents/uploadLimit")
async def torrents_upload_limit(context: Context, parameters: Parameters) -> Response[bytes]:
    """Tell the upload limits that were set for torrents."""
    return json(_limits_of(context, parameters, lambda record: record.upload_limit))


@acts("torrents/setDownloadLimit")
async def torrents_set_download_limit(context: Context, parameters: Parameters) -> Response[bytes]:
    """Limit torrents, each on its own."""
    chosen, limit = parameters.hashes(), speed_limit(parameters.required("limit"))
    await context.torrents.set_download_limit(chosen, limit)
    return text()


@acts("torrents/setUploadLimit")
async def torrents_set_upload_limit(context: Context, parameters: Parameters) -> Response[bytes]:
    """Take note of upload limits."""
    chosen, limit = parameters.hashes(), speed_limit(parameters.required("limit"))
    await context.torrents.set_upload_limit(chosen, limit)
    return text()


def preferred_limits(sent: Mapping[str, object]) -> dict[str, int]:
    """Return the limits among preferences that a client sent, by fields of SpeedLimits."""
    return {
        field: _global(_number(sent[name])) for name, field in PREFERENCES.items() if name in sent
    }


def _number(value: object) -> int:
    """Read a limit in JSON, which some clients send as text."""
    if isinstance(value, str):
        return speed_limit(value)
    if isinstance(value, float):
        return bounded_limit(int(value)) if math.isfinite(value) else 0
    return bounded_limit(value) if isinstance(value, int) else 0


def _limits_of(
    context: Context, parameters: Parameters, limit: Callable[[TorrentRecord], int]
) -> dict[str, int]:
    """Return limits by hash. `all` is no hash here, and no torrent has it: so says qBittorrent."""
    limits = {}
    for word in sorted(set(parameters.required("hashes").split("|"))):
        found = [context.torrents.view(one) for one in hashes(word) or []]
        limits[word] = limit(found[0].record) if found and found[0] else NO_TORRENT
    return limits


def _global(limit: int) -> int:
    return max(limit, SMALLEST) if limit else 0


def _set(limits: SpeedLimits, field: str, limit: int) -> SpeedLimits:
    return msgspec.structs.replace(limits, **{field: limit})


ENDPOINTS = (
    download_limit,
    upload_limit,
    set_download_limit,
    set_upload_limit,
    speed_limits_mode,
    toggle_speed_limits_mode,
    set_speed_limits_mode,
    torrents_download_limit,
    torrents_upload_limit,
    torrents_set_download_limit,
    torrents_set_upload_limit,
)
