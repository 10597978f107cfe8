"""app/...: versions, preferences, and the end of the service."""

from litestar import Response
from litestar.background_tasks import BackgroundTask

from api.qbittorrent.answers import json, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts, reads, under
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.preferences import Preferences
from api.qbittorrent.texts import folder
from api.qbittorrent.wire import BuildInfo

VERSION = "v4.5.2"

WEB_API_VERSION = "2.8.19"
"""What qBittorrent 4.5.2 says. From 2.8.1 on Sonarr sends share limits along with torrents/add;
below 2.11 it expects the state names that end in `DL` and `UP` with `paused` in front."""


@reads("version")
async def version() -> Response[bytes]:
    """Name the application's version, with a `v`."""
    return text(VERSION)


@reads("webapiVersion")
async def web_api_version() -> Response[bytes]:
    """Name the API's version, without a `v`: Sonarr parses it as numbers."""
    return text(WEB_API_VERSION)


@reads("buildInfo")
async def build_info() -> Response[bytes]:
    """Name the libraries of the real thing."""
    return json(BuildInfo())


@reads("preferences")
async def preferences(context: Context) -> Response[bytes]:
    """List the settings."""
    config, limits = context.config, context.torrents.speed_limits()
    set_ = context.torrents.preferences()
    return json(
        Preferences(
            save_path=folder(set_.save_path),
            temp_path=folder(config.unfinished_path),
            start_paused_enabled=set_.start_paused,
            auto_tmm_enabled=set_.auto_managed,
            dl_limit=limits.download,
            up_limit=limits.upload,
            alt_dl_limit=limits.alternative_download,
            alt_up_limit=limits.alternative_upload,
            queueing_enabled=set_.queueing,
            max_active_downloads=set_.max_active_downloads,
            max_active_torrents=set_.max_active_downloads,
            max_ratio_enabled=set_.max_ratio >= 0,
            max_ratio=float(set_.max_ratio),
            max_seeding_time_enabled=set_.max_seeding_time >= 0,
            max_seeding_time=set_.max_seeding_time,
            max_inactive_seeding_time_enabled=set_.max_inactive_seeding_time >= 0,
            max_inactive_seeding_time=set_.max_inactive_seeding_time,
            max_ratio_act=set_.max_ratio_act,
            web_ui_port=config.port,
            web_ui_username=config.login.username,
            web_ui_domain_list=";".join(config.hosts) or "*",
            web_ui_max_auth_fail_count=config.failed_logins,
            web_ui_ban_duration=int(config.ban_duration),
            web_ui_session_timeout=int(config.session_timeout),
            web_ui_reverse_proxy_enabled=bool(config.proxies),
            web_ui_reverse_proxies_list=";".join(map(str, config.proxies)),
            bypass_auth_subnet_whitelist_enabled=config.open,
            bypass_auth_subnet_whitelist="0.0.0.0/0\n::/0" if config.open else "",
        )
    )


@reads("defaultSavePath")
async def default_save_path(context: Context) -> Response[bytes]:
    """Name the folder of finished files."""
    return text(folder(context.torrents.save_path))


@reads("networkInterfaceList")
async def network_interfaces() -> Response[bytes]:
    """List the network interfaces that downloads can be bound to: none, the system chooses."""
    return json([])


@reads("networkInterfaceAddressList")
async def network_addresses(parameters: Parameters) -> Response[bytes]:
    """List the addresses that downloads can be bound to: none, as of interfaces."""
    parameters.required("iface")
    return json([])


@acts("shutdown")
async def shutdown(context: Context) -> Response[bytes]:
    """End the service, as a signal does, once this is answered."""
    answer = text()
    answer.background = BackgroundTask(context.shutdown)
    return answer


ENDPOINTS = under(
    "app",
    version,
    web_api_version,
    build_info,
    preferences,
    default_save_path,
    network_interfaces,
    network_addresses,
    shutdown,
)
