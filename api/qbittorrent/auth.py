"""auth/login and auth/logout.

Every attempt to log in passes `admitted`, so whatever may refuse one for another reason than its
user name and password belongs there.
"""

import logging
from typing import Any

from litestar import Request, Response, Router, post

from api.qbittorrent.answers import text
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.requests import Sent, Served, sids_of
from api.qbittorrent.sessions import drop_cookie, same, set_cookie

logger = logging.getLogger("api.qbittorrent.auth")


@post("/login", status_code=200)
async def login(
    request: Request[Any, Any, Any], context: Served, parameters: Sent
) -> Response[bytes]:
    """Start a session; a refused login is 200 `Fails.`, as in qBittorrent 4.5."""
    if not admitted(context.config, parameters):
        logger.warning("login=refused client=%s", request.client.host if request.client else "?")
        return text("Fails.")
    # In an open API nobody asks for the SID, but there are clients that insist on getting one.
    return text("Ok.", headers={"Set-Cookie": set_cookie(context.sessions.open())})


@post("/logout", status_code=200)
async def logout(request: Request[Any, Any, Any], context: Served) -> Response[bytes]:
    """End the session of the request."""
    for sid in sids_of(request):
        context.sessions.close(sid)
    return text(headers={"Set-Cookie": drop_cookie()})


def admitted(config: ApiConfig, parameters: Parameters) -> bool:
    """Return whether user name and password are the right ones."""
    if config.open:
        return True
    user = same(parameters.text("username"), config.username)
    password = same(parameters.text("password"), config.password)
    return user and password


public = Router("/auth", route_handlers=[login])
guarded = Router("/auth", route_handlers=[logout])
