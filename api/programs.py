"""What is set up for Sonarr and Radarr: the hand-over, the outbox and the door of the webhook.

A run with a simulated AllDebrid knows neither of them: what it makes of a release is nothing to
import, nor to blocklist a release for.

A service that has nobody to speak to loads nothing of all that: a megabyte.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from litestar.handlers import HTTPRouteHandler

from api import logs, streams
from api.key import ConfiguredKey
from api.settings import Settings
from engine.store.store import Store

if TYPE_CHECKING:
    from arrpush.arr import Arr
    from arrpush.handover import HandOver
    from arrpush.outbox import Outbox
    from arrpush.payload import Target

HOUR = 3600

Programs = Mapping["Target", "Arr"]

logger = logging.getLogger("api.programs")


def known(settings: Settings, *, simulated: bool) -> Programs:
    """Return the programs that are set up, by what they are."""
    if simulated or not (settings.sonarr_url or settings.radarr_url):
        return {}
    from arrpush.arr import Arr  # noqa: PLC0415 - see the module's text; so below
    from arrpush.payload import Target  # noqa: PLC0415

    sonarr = (settings.sonarr_url, settings.sonarr_api_key, settings.sonarr_api_key_file)
    radarr = (settings.radarr_url, settings.radarr_api_key, settings.radarr_api_key_file)
    programs = {}
    for target, (url, key, path) in ((Target.SONARR, sonarr), (Target.RADARR, radarr)):
        if url:
            current = ConfiguredKey(f"{target.value.upper()}_API_KEY", key, path).current
            name = target.value.capitalize()
            programs[target] = Arr(name, url, current, ca_file=settings.ca_file)
    return programs


def hand_over(settings: Settings, store: Store, programs: Programs) -> "HandOver | None":
    """Return what tells programs how torrents ended; None if nobody is to be told."""
    if not programs or not settings.arr_handover:
        return None
    from arrpush.handover import HandOver  # noqa: PLC0415

    return HandOver(store, list(programs.values()))


def outbox(settings: Settings, store: Store, programs: Programs) -> "Outbox | None":
    """Return what pushes releases; None where there is nobody to push them to."""
    if not programs:
        return None
    from arrpush.outbox import DAY, Outbox, OutboxConfig  # noqa: PLC0415

    config = OutboxConfig(
        url=settings.arrpush_url,
        patience=settings.arrpush_retry_hours * HOUR,
        keep=settings.arrpush_keep_days * DAY,
        keep_most=settings.arrpush_keep_releases,
        keep_torrents=settings.arrpush_torrent_days * DAY,
    )
    return Outbox(store, programs, config)


def log_attempts(settings: Settings) -> None:
    """Begin the log of attempts."""
    from api import attempts_log  # noqa: PLC0415

    wanted = settings.arrpush_log
    place = attempts_log.begin(wanted, settings.config_dir / "log" / wanted.name)
    logger.info("arrpush=ready log=%s", place or "the service's own")


def webhook(settings: Settings, outbox: "Outbox | None") -> Sequence[HTTPRouteHandler]:
    """Return the routes by which releases are announced. Raises BadToken."""
    if outbox is None:
        from api.webhook import absent  # noqa: PLC0415

        return absent.routes()
    from api.webhook.app import routes  # noqa: PLC0415
    from api.webhook.config import MAX_BODY, WebhookConfig  # noqa: PLC0415
    from api.webhook.door import Door  # noqa: PLC0415

    config = WebhookConfig(
        door=Door(_token(settings)),
        torrent_dirs=settings.arrpush_torrent_dirs,
        max_upload=max(settings.api_max_upload, MAX_BODY),
        download_client=settings.arrpush_download_client,
    )
    return routes(outbox, config)


def _token(settings: Settings) -> str:
    """Return the token that is asked for, "" for none."""
    from api import arrpush_token  # noqa: PLC0415

    token = settings.arrpush_token
    if not token and arrpush_token.needed(settings.host):
        token = arrpush_token.kept(settings.config_dir, streams.tell)
    logs.hide(token)
    return token
