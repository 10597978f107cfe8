"""app/setPreferences: from the JSON of a client to what holds here.

As with qBittorrent what is no object changes nothing, and unknown names are passed over: clients
send back everything that app/preferences showed them. So is a value that cannot be read. One that
is understood and cannot be is refused with a sentence, and then nothing is changed: qBittorrent
takes it, but here it would not hold.
"""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts
from api.qbittorrent.limits import preferred_limits
from api.qbittorrent.parameters import Parameters, choice, minutes_limit, ratio_limit, real
from api.qbittorrent.places import BadPlace, place
from engine.jobs.preferences import NO_LIMIT, Preferences
from engine.jobs.views import BadPreference

FLAGS = {
    "queueing_enabled": "queueing",
    "start_paused_enabled": "start_paused",
    "auto_tmm_enabled": "auto_managed",
}
"""Names in app/preferences and of fields in Preferences."""

SHARE_LIMITS = ("max_ratio", "max_seeding_time", "max_inactive_seeding_time")
"""Names of both, each with a switch beside it that ends in `_enabled`."""

LARGEST = 2**31 - 1
"""The largest whole number that qBittorrent's settings hold."""

logger = logging.getLogger("api.qbittorrent.preferred")


@acts("app/setPreferences")
async def set_preferences(context: Context, parameters: Parameters) -> Response[bytes]:
    """Set what can be set here."""
    sent = decoded(parameters.required("json"))
    torrents = context.torrents
    try:
        new = preferred(sent, torrents.preferences(), context.config.unfinished_path)
        if new:
            await torrents.change_preferences(lambda old: msgspec.structs.replace(old, **new))
    except (BadPlace, BadPreference) as error:
        logger.warning("preferences=refused reason=%r", str(error))
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
    if limits := preferred_limits(sent):
        await torrents.change_speed_limits(lambda old: msgspec.structs.replace(old, **limits))
    return text()


def decoded(body: str) -> dict[str, Any]:
    """Return the JSON object that a client sent; an empty one when it is none."""
    try:
        sent = msgspec.json.decode(body.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return {}
    return sent if isinstance(sent, dict) else {}


def preferred(sent: Mapping[str, Any], old: Preferences, unfinished: str) -> dict[str, Any]:
    """Return what a client wants to have changed, by fields of Preferences. Raises BadPlace."""
    new: dict[str, Any] = {}
    for name, field in FLAGS.items():
        _take(new, field, flag(sent.get(name)))
    most = whole_number(sent.get("max_active_downloads"))
    _take(new, "max_active_downloads", None if most is None else max(NO_LIMIT, most))
    _take(new, "max_ratio_act", whole_number(sent.get("max_ratio_act")))
    for name in SHARE_LIMITS:
        enabled = flag(sent.get(f"{name}_enabled"))
        if enabled is not None:
            new[name] = _share_limit(name, sent, old) if enabled else NO_LIMIT
    folder = sent.get("save_path")
    if isinstance(folder, str) and folder.strip():
        new["save_path"] = _folder(folder.strip(), old, unfinished)
    # What is as it was has not been asked for: clients send back everything they were shown.
    return {field: value for field, value in new.items() if value != getattr(old, field)}


def flag(value: object) -> bool | None:
    """Read a boolean, also one in text or a number; None when it is none."""
    if isinstance(value, str):
        return choice(value)
    return bool(value) if isinstance(value, int | float) else None


def number(value: object) -> float | None:
    """Read a finite number, also one in text; None when it is none."""
    if isinstance(value, str):
        value = real(value, math.nan)
    if not isinstance(value, int | float):
        return None
    return value if -LARGEST <= value <= LARGEST else None


def whole_number(value: object) -> int | None:
    """Read a number as `number` does, and round it as qBittorrent does."""
    read = number(value)
    return None if read is None else round(read)


def _share_limit(name: str, sent: Mapping[str, Any], old: Preferences) -> float:
    """Return a limit that is switched on, the one in force when none comes with the switch."""
    limit = number(sent.get(name))
    if limit is None:
        limit = max(0, getattr(old, name))
    return (
        ratio_limit(max(0, limit)) if name == "max_ratio" else minutes_limit(max(0, round(limit)))
    )


def _folder(path: str, old: Preferences, unfinished: str) -> str:
    if not path.startswith("/"):
        raise BadPlace(f"the default folder {path!r} must be absolute")
    return place(path, complete=old.save_path, unfinished=unfinished)


def _take(new: dict[str, Any], field: str, value: object) -> None:
    if value is not None:
        new[field] = value


ENDPOINTS = (set_preferences,)
