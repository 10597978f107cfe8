"""app/...: versions and preferences."""

from litestar import Response, Router, route

from api.qbittorrent.answers import json, text
from api.qbittorrent.preferences import Preferences
from api.qbittorrent.requests import READ, Served
from api.qbittorrent.texts import folder
from api.qbittorrent.wire import BuildInfo

VERSION = "v4.5.0"

WEB_API_VERSION = "2.8.18"
"""What qBittorrent 4.5.0 says. From 2.8.1 on Sonarr sends share limits along with torrents/add;
below 2.11 it expects the state names that end in `DL` and `UP` with `paused` in front."""


@route("/version", http_method=READ, status_code=200)
async def version() -> Response[bytes]:
    """Name the application's version, with a `v`."""
    return text(VERSION)


@route("/webapiVersion", http_method=READ, status_code=200)
async def web_api_version() -> Response[bytes]:
    """Name the API's version, without a `v`: Sonarr parses it as numbers."""
    return text(WEB_API_VERSION)


@route("/buildInfo", http_method=READ, status_code=200)
async def build_info() -> Response[bytes]:
    """Name the libraries of the real thing."""
    return json(BuildInfo())


@route("/preferences", http_method=READ, status_code=200)
async def preferences(context: Served) -> Response[bytes]:
    """List the settings."""
    config, limits = context.config, context.torrents.speed_limits()
    return json(
        Preferences(
            save_path=folder(context.torrents.save_path),
            temp_path=folder(config.unfinished_path),
            dl_limit=limits.download,
            up_limit=limits.upload,
            alt_dl_limit=limits.alternative_download,
            alt_up_limit=limits.alternative_upload,
            max_active_downloads=config.active_downloads,
            max_active_torrents=config.active_downloads,
            web_ui_port=config.port,
            web_ui_username=config.username,
            bypass_auth_subnet_whitelist_enabled=config.open,
            bypass_auth_subnet_whitelist="0.0.0.0/0\n::/0" if config.open else "",
        )
    )


@route("/defaultSavePath", http_method=READ, status_code=200)
async def default_save_path(context: Served) -> Response[bytes]:
    """Name the folder of finished files."""
    return text(folder(context.torrents.save_path))


router = Router(
    "/app",
    route_handlers=[version, web_api_version, build_info, preferences, default_save_path],
)
